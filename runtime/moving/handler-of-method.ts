// One method of a controller as a handler's file, or why it cannot be one.

import type ts from "typescript-5";
import type { PatternMethod } from "./controllers.ts";
import { type DecoratorUse, decoratorsOf, isWithoutEffect } from "./decorators.ts";
import { handlerText } from "./handler-source.ts";
import { notesOn } from "./notes.ts";
import { type HandlerParameters, handlerParameters } from "./parameters.ts";
import type { Sources } from "./source.ts";
import { type Edit, edited, indentationAt, unindenting } from "./text-edits.ts";
import { namesInMethods, Transcript } from "./transcript.ts";

export type MethodAsHandler =
  | {
      readonly kind: "handler";
      readonly text: string;
      readonly needsContainer: boolean;
      /** What is left to be seen to by hand. */
      readonly notes: readonly string[];
    }
  | { readonly kind: "left"; readonly reasons: readonly string[] };

export interface HandlerPlace {
  readonly subjects: readonly string[];
  /** The folder of the file. */
  readonly folder: string;
  /** How the file imports Nest's container; undefined: where the app's module is cannot be told. */
  readonly container: string | undefined;
}

/** Names of the handler's file that the runtime gives a meaning, or that are imported there. */
const RESERVED = [
  "metadata",
  "setup",
  "teardown",
  "nest",
  "closeNest",
  "container",
  "HandlerContext",
  "HandlerMetadata",
];

export function handlerOfMethod(sources: Sources, method: PatternMethod, place: HandlerPlace): MethodAsHandler {
  const { controller, node, patterns } = method;
  const taken = [...RESERVED, ...namesInMethods(sources, controller, node)];
  const transcript = new Transcript(sources, controller, place.folder, taken);
  for (const reason of [...refusedDecorators(sources, method), ...refusedShapes(sources, node)])
    transcript.reasons.add(reason);
  const parameters = handlerParameters(sources, method, transcript);
  const handler = functionText(sources, method, transcript, parameters);
  const services = [...transcript.services.values()];
  if (services.length > 0 && place.container === undefined)
    transcript.reasons.add(
      `it needs ${services.map(({ local }) => local).join(", ")} of Nest's container: name the file of the app's module with --module`,
    );
  if (transcript.reasons.size > 0) return { kind: "left", reasons: [...transcript.reasons] };
  const text = handlerText({
    subjects: place.subjects,
    kind: patterns[0]?.name === "EventPattern" ? "event" : "request",
    imports: [...transcript.imports.values()],
    declarations: [...transcript.declarations.values()],
    services,
    functions: [...transcript.functions.values()],
    takesContext: parameters.takesContext,
    container: place.container ?? "",
    comment: commentAbove(sources, node),
    handler,
  });
  const notes = notesOn(sources, method, transcript.behind);
  return { kind: "handler", text, needsContainer: services.length > 0, notes };
}

function refusedDecorators({ ts }: Sources, { controller, owner, node, patterns }: PatternMethod): string[] {
  const ofClasses = controller.chain.flatMap((each) => decoratorsOf(ts, each.source, each.node));
  const ofMethod = decoratorsOf(ts, owner.source, node);
  const refused = [...ofClasses.filter(({ name }) => name !== "Controller"), ...ofMethod]
    .filter((use) => use.name !== "UsePipes" && !isWithoutEffect(use))
    .filter(({ node: decorator }) => !patterns.some((pattern) => pattern.node === decorator))
    .map(({ node: decorator }) => `it has ${decorator.getText()}: have the handler call what that does`);
  return [...refused, ...ofClasses.flatMap(scopeOf), ...patterns.flatMap(otherTransport)];
}

function scopeOf({ name, args }: DecoratorUse): string[] {
  const isScoped = name === "Controller" && args.some((arg) => /\bscope\s*:/.test(arg.getText()));
  return isScoped ? ["its controller is made anew for each message (scope)"] : [];
}

function otherTransport({ args }: DecoratorUse): string[] {
  const transport = args.slice(1).find((arg) => /^Transport\./.test(arg.getText()));
  const isOther = transport !== undefined && transport.getText() !== "Transport.NATS";
  return isOther ? [`it is bound to ${transport.getText()}`] : [];
}

function refusedShapes({ ts }: Sources, node: ts.MethodDeclaration): string[] {
  const isAsync = (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Async) !== 0;
  return node.asteriskToken !== undefined && !isAsync ? ["it is a generator: make it an async one"] : [];
}

function functionText(
  { ts }: Sources,
  { owner, node, name }: PatternMethod,
  transcript: Transcript,
  { text, first, edits }: HandlerParameters,
): string {
  const waits = first.some((line) => line.includes("await "));
  const wasAsync = (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Async) !== 0;
  const typeParameters = node.typeParameters?.map((each) => transcript.take(owner, each)).join(", ");
  const type = node.type && transcript.take(owner, node.type);
  const returned = type === undefined ? "" : `: ${waits && !wasAsync ? `Promise<${type}>` : type}`;
  const { body } = node;
  const bodyText = body === undefined ? "{}" : transcript.take(owner, body, [...edits, ...linesFirst(body, first)]);
  const isName = /^[A-Za-z_$][\w$]*$/.test(name) && !RESERVED.includes(name);
  const local = !isName || transcript.has(name) ? "handle" : name;
  const star = node.asteriskToken === undefined ? "" : "*";
  const generic = typeParameters === undefined ? "" : `<${typeParameters}>`;
  return `${waits || wasAsync ? "async " : ""}function${star} ${local}${generic}(${text})${returned} ${bodyText}`;
}

/** At the top of the body, which has lines of its own then. */
function linesFirst(body: ts.Block, lines: readonly string[]): Edit[] {
  if (lines.length === 0) return [];
  const { text } = body.getSourceFile();
  const indentation = indentationAt(text, body.getStart());
  const start = body.getStart() + 1;
  const put = lines.map((line) => `\n${indentation}${line}`).join("");
  if (text.slice(start, body.end).includes("\n")) return [{ start, end: start, text: put }];
  const content = text.slice(start, body.end - 1);
  const from = start + content.length - content.trimStart().length;
  const to = Math.max(from, start + content.trimEnd().length);
  return [
    { start, end: from, text: content.trim() === "" ? put : `${put}\n${indentation}` },
    { start: to, end: body.end - 1, text: "\n" },
  ];
}

function commentAbove({ ts }: Sources, node: ts.MethodDeclaration): string {
  const { text } = node.getSourceFile();
  const comments = ts.getLeadingCommentRanges(text, node.pos) ?? [];
  return comments.map(({ pos, end }) => `${edited(text, pos, end, unindenting(text, pos, end, []))}\n`).join("");
}
