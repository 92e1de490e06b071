// What a method is given, as a handler's function has it: the payload or parts of it, then `ctx`.

import type ts from "typescript-5";
import type { PatternMethod } from "./controllers.ts";
import { decoratorsOf } from "./decorators.ts";
import { contextUse } from "./nats-context.ts";
import { type Piped, pipedBy, pipesOf } from "./pipes.ts";
import { namesDeclaredIn } from "./references.ts";
import type { Sources } from "./source.ts";
import type { Edit } from "./text-edits.ts";
import type { Transcript } from "./transcript.ts";

export interface HandlerParameters {
  /** Between the brackets. */
  readonly text: string;
  /** Lines at the top of the body. */
  readonly first: readonly string[];
  readonly takesContext: boolean;
  readonly edits: readonly Edit[];
}

type Role =
  | { readonly kind: "payload"; readonly field: string | undefined; readonly pipes: readonly ts.Expression[] }
  | { readonly kind: "context" };

interface PayloadPart {
  readonly field: string | undefined;
  readonly name: string;
  readonly type: string | undefined;
  readonly isOptional: boolean;
  readonly initializer: string;
  readonly piped: Piped | undefined;
}

export function handlerParameters(sources: Sources, method: PatternMethod, transcript: Transcript): HandlerParameters {
  const { node } = method;
  const roles = rolesOf(sources, method, transcript);
  const context = node.parameters.find((parameter) => roles.get(parameter)?.kind === "context");
  const ctx = freeNames(sources, method, context)("ctx");
  const body = node.body ?? node;
  const use = context && contextUse(sources.ts, body, context.name.getText(), ctx);
  for (const reason of use?.reasons ?? []) transcript.reasons.add(reason);
  const parts = node.parameters.flatMap((parameter) => {
    const role = roles.get(parameter);
    return role?.kind === "payload" ? [partOf(sources, method, transcript, parameter, role)] : [];
  });
  const event = freeNames(sources, method, context)("event");
  const { text, first } = payloadOf(parts, event, transcript);
  const takesContext = use?.isUsed === true;
  const payload = text === "" && takesContext ? "_event: unknown" : text;
  return {
    text: [payload, ...(takesContext ? [`${ctx}: HandlerContext`] : [])].filter((each) => each !== "").join(", "),
    first,
    takesContext,
    edits: use?.edits ?? [],
  };
}

/** Without any decorator Nest gives the payload, and nothing more. */
function rolesOf({ ts }: Sources, { node, owner }: PatternMethod, transcript: Transcript): Map<ts.Node, Role> {
  const roles = new Map<ts.Node, Role>();
  const { parameters } = node;
  const isPlain = parameters.every((parameter) => (ts.getDecorators(parameter) ?? []).length === 0);
  for (const [at, parameter] of parameters.entries()) {
    const [use] = decoratorsOf(ts, owner.source, parameter);
    const name = isPlain && at === 0 ? "Payload" : use?.name;
    const args = use?.args ?? [];
    if (name === "Ctx") roles.set(parameter, { kind: "context" });
    else if (name === "Payload") {
      const [field] = args;
      const isField = field !== undefined && ts.isStringLiteralLike(field);
      roles.set(parameter, {
        kind: "payload",
        field: isField ? field.text : undefined,
        pipes: isField ? args.slice(1) : args,
      });
    } else transcript.reasons.add(`its parameter ${parameter.name.getText()} is given by ${giver(use?.name)}`);
  }
  return roles;
}

function giver(decorator: string | undefined): string {
  return decorator === undefined ? "nobody" : `@${decorator}`;
}

function partOf(
  sources: Sources,
  { owner, node, controller }: PatternMethod,
  transcript: Transcript,
  parameter: ts.ParameterDeclaration,
  { field, pipes }: Extract<Role, { kind: "payload" }>,
): PayloadPart {
  const { ts } = sources;
  const above = controller.chain.toReversed().flatMap((each) => decoratorsOf(ts, each.source, each.node));
  const all = [...pipesOf(above), ...pipesOf(decoratorsOf(ts, owner.source, node)), ...pipes];
  const { type, initializer } = parameter;
  return {
    field,
    name: transcript.take(owner, parameter.name),
    type: type && transcript.take(owner, type),
    isOptional: parameter.questionToken !== undefined || initializer !== undefined,
    initializer: initializer === undefined ? "" : ` = ${transcript.take(owner, initializer)}`,
    piped: pipedBy(sources, transcript, { owner, pipes: all, type, field }),
  };
}

function payloadOf(parts: readonly PayloadPart[], event: string, transcript: Transcript) {
  const whole = parts.filter(({ field }) => field === undefined);
  const fields = parts.filter(({ field }) => field !== undefined);
  const [only, ...others] = whole;
  if (others.length > 0 || (only !== undefined && fields.length > 0 && !/^\w+$/.test(only.name)))
    transcript.reasons.add("it takes its payload apart in more than one way");
  if (only === undefined) return fieldsOf(fields, event);
  if (only.piped === undefined) {
    return { text: wholeText(only), first: fields.map((part) => lineOf(part, accessOf(only.name, part.field))) };
  }
  return {
    text: `${event}: ${only.piped.input}`,
    first: [lineOf(only, event), ...fields.map((part) => lineOf(part, accessOf(only.name, part.field)))],
  };
}

function wholeText({ name, type, isOptional, initializer }: PayloadPart): string {
  // A parameter that may be left out cannot stand before `ctx`.
  const orNothing = isOptional && initializer === "" && type !== undefined ? " | undefined" : "";
  return `${name}${type === undefined ? "" : `: ${type}${orNothing}`}${initializer}`;
}

function fieldsOf(fields: readonly PayloadPart[], event: string) {
  if (fields.length === 0) return { text: "", first: [] };
  const type = `{ ${fields.map(fieldType).join("; ")} }`;
  if (fields.some(({ piped }) => piped !== undefined))
    return { text: `${event}: ${type}`, first: fields.map((part) => lineOf(part, accessOf(event, part.field))) };
  const names = fields.map((part) => {
    const isSame = part.name === part.field;
    return `${isSame ? "" : `${keyOf(part.field)}: `}${part.name}${part.initializer}`;
  });
  return { text: `{ ${names.join(", ")} }: ${type}`, first: [] };
}

function fieldType({ field, type, isOptional, piped, initializer }: PayloadPart): string {
  return `${keyOf(field)}${isOptional ? "?" : ""}: ${piped?.input ?? type ?? typeOfLiteral(initializer)}`;
}

function typeOfLiteral(initializer: string): string {
  const value = initializer.slice(3);
  if (/^["'`]/.test(value)) return "string";
  if (/^-?\d/.test(value)) return "number";
  return /^(true|false)$/.test(value) ? "boolean" : "unknown";
}

function lineOf({ name, type, initializer, piped }: PayloadPart, value: string): string {
  const given = initializer === "" ? value : `${value} ?? ${initializer.slice(3)}`;
  if (piped === undefined) return `const ${name} = ${given};`;
  const call = piped.call(given);
  return `const ${name} = ${type === undefined ? call : `(${call}) as ${type}`};`;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function keyOf(field = ""): string {
  return IDENTIFIER.test(field) ? field : JSON.stringify(field);
}

function accessOf(object: string, field = ""): string {
  return IDENTIFIER.test(field) ? `${object}.${field}` : `${object}[${JSON.stringify(field)}]`;
}

/** Names that the method uses for nothing else. */
function freeNames({ ts }: Sources, { node, owner }: PatternMethod, context: ts.ParameterDeclaration | undefined) {
  const inBody = node.body === undefined ? [] : namesDeclaredIn(ts, node.body);
  const others = node.parameters
    .filter((parameter) => parameter !== context)
    .flatMap((each) => [...namesDeclaredIn(ts, each)]);
  const taken = new Set([...inBody, ...others, ...owner.source.imports.keys(), ...owner.source.declarations.keys()]);
  return (wanted: string) => (taken.has(wanted) ? `${wanted}OfHandler` : wanted);
}
