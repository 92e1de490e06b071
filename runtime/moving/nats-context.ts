// What a method takes from its NatsContext, as a handler has it: `getSubject()`, and headers one by one.

import type ts from "typescript-5";
import type { Edit } from "./text-edits.ts";
import type { TypeScript } from "./typescript.ts";

export interface ContextUse {
  readonly edits: readonly Edit[];
  readonly isUsed: boolean;
  readonly reasons: readonly string[];
}

const HEADERS_AS_A_WHOLE = "it does more with the headers than get() and has()";

/** @param name of the parameter; `ctx`: of the handler's */
export function contextUse(typescript: TypeScript, body: ts.Node, name: string, ctx: string): ContextUse {
  const edits: Edit[] = [];
  const reasons = new Set<string>();
  let isUsed = false;

  function taken(node: ts.Identifier): void {
    isUsed = true;
    const call = methodCallOf(typescript, node);
    if (call?.name === "getSubject") edits.push(replacing(call.node, `${ctx}.subject`));
    else if (call?.name === "getHeaders") headersTaken(call.node);
    else if (call === undefined) reasons.add(`it hands its NatsContext (${name}) on`);
    else reasons.add(`it calls ${name}.${call.name}()`);
  }

  function headersTaken(call: ts.Node): void {
    edits.push(replacing(call, `${ctx}.headers`));
    const { parent } = call;
    if (typescript.isVariableDeclaration(parent) && typescript.isIdentifier(parent.name)) {
      if (parent.type !== undefined) edits.push({ start: parent.name.end, end: parent.type.end, text: "" });
      const { text } = parent.name;
      for (const node of identifiersIn(typescript, body, text)) if (node !== parent.name) headerRead(node);
    } else headerRead(call);
  }

  function headerRead(headers: ts.Node): void {
    const call = methodCallOf(typescript, headers);
    if (call === undefined || (call.name !== "get" && call.name !== "has")) {
      reasons.add(HEADERS_AS_A_WHOLE);
      return;
    }
    if (call.question !== undefined) edits.push(replacing(call.question, "."));
    // Without `?.` the author counts on a text, which is empty for a header that is not there.
    else if (call.name === "get") edits.push(...orEmpty(typescript, call.node));
  }

  for (const node of identifiersIn(typescript, body, name)) taken(node);
  return { edits, isUsed, reasons: [...reasons] };
}

interface MethodCall {
  readonly node: ts.CallExpression;
  readonly name: string;
  readonly question: ts.Node | undefined;
}

function methodCallOf(typescript: TypeScript, object: ts.Node): MethodCall | undefined {
  const { parent: access } = object;
  if (!typescript.isPropertyAccessExpression(access) || access.expression !== object) return undefined;
  const { parent: call } = access;
  if (!typescript.isCallExpression(call) || call.expression !== access) return undefined;
  return { node: call, name: access.name.text, question: access.questionDotToken };
}

function orEmpty(typescript: TypeScript, node: ts.CallExpression): Edit[] {
  const { parent } = node;
  const standsAlone =
    typescript.isVariableDeclaration(parent) ||
    typescript.isReturnStatement(parent) ||
    typescript.isPropertyAssignment(parent) ||
    typescript.isCallExpression(parent) ||
    typescript.isArrayLiteralExpression(parent);
  const start = node.getStart();
  if (standsAlone) return [{ start: node.end, end: node.end, text: ' ?? ""' }];
  return [
    { start, end: start, text: "(" },
    { start: node.end, end: node.end, text: ' ?? "")' },
  ];
}

function replacing(node: ts.Node, text: string): Edit {
  return { start: node.getStart(), end: node.end, text };
}

/** The places where a variable of that name is read. */
function identifiersIn(typescript: TypeScript, root: ts.Node, name: string): ts.Identifier[] {
  const found: ts.Identifier[] = [];
  const visit = (node: ts.Node): void => {
    if (typescript.isIdentifier(node) && node.text === name) {
      const { parent } = node;
      const isProperty = typescript.isPropertyAccessExpression(parent) && parent.name === node;
      const isKey = typescript.isPropertyAssignment(parent) && parent.name === node;
      if (!isProperty && !isKey) found.push(node);
    }
    typescript.forEachChild(node, visit);
  };
  visit(root);
  return found;
}
