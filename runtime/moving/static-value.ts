// The value of an expression that can be told without running anything: literals, constants, enums, and what is made of them.

import type ts from "typescript-5";
import type { Declared, Source, Sources } from "./source.ts";

export type StaticValue = string | number | boolean | null | readonly StaticValue[] | StaticObject;
export interface StaticObject {
  readonly [key: string]: StaticValue;
}

const MOST_STEPS = 30;

/** Undefined where it takes running it. */
export function staticValue(
  sources: Sources,
  source: Source,
  node: ts.Expression,
  steps = MOST_STEPS,
): StaticValue | undefined {
  const { ts } = sources;
  if (steps === 0) return undefined;
  const told = (inner: ts.Expression) => staticValue(sources, source, inner, steps - 1);
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  if (node.kind === ts.SyntaxKind.NullKeyword) return null;
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node))
    return told(node.expression);
  if (ts.isTemplateExpression(node)) {
    const parts = node.templateSpans.map((span) => [told(span.expression), span.literal.text] as const);
    if (parts.some(([value]) => value === undefined || typeof value === "object")) return undefined;
    return node.head.text + parts.flat().join("");
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [told(node.left), told(node.right)];
    return typeof left === "string" && typeof right === "string" ? left + right : undefined;
  }
  if (ts.isArrayLiteralExpression(node)) return allOf(node.elements.map(told));
  if (ts.isObjectLiteralExpression(node)) return objectValue(sources, node, told);
  if (ts.isIdentifier(node)) {
    const declared = sources.declared(source, node.text);
    return declared === undefined ? undefined : declaredValue(sources, declared, steps - 1);
  }
  return ts.isPropertyAccessExpression(node) ? memberValue(sources, source, node, steps - 1) : undefined;
}

function allOf(values: readonly (StaticValue | undefined)[]): StaticValue[] | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === values.length ? known : undefined;
}

function objectValue(
  { ts }: Sources,
  node: ts.ObjectLiteralExpression,
  told: (inner: ts.Expression) => StaticValue | undefined,
): StaticValue | undefined {
  const entries = node.properties.map((property) => {
    if (ts.isShorthandPropertyAssignment(property)) return [property.name.text, told(property.name)] as const;
    if (!ts.isPropertyAssignment(property) || ts.isComputedPropertyName(property.name)) return ["", undefined] as const;
    return [property.name.text, told(property.initializer)] as const;
  });
  const values = allOf(entries.map(([, value]) => value));
  return values && Object.fromEntries(entries.map(([key], at) => [key, values[at] ?? null]));
}

function declaredValue(sources: Sources, { source, declaration }: Declared, steps: number): StaticValue | undefined {
  const { ts } = sources;
  if (ts.isEnumDeclaration(declaration)) return enumValue(sources, source, declaration, steps);
  if (!ts.isVariableDeclaration(declaration) || declaration.initializer === undefined) return undefined;
  const isConstant = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  return isConstant ? staticValue(sources, source, declaration.initializer, steps) : undefined;
}

function enumValue(sources: Sources, source: Source, node: ts.EnumDeclaration, steps: number): StaticObject {
  const members: Record<string, StaticValue> = {};
  let next = 0;
  for (const { name, initializer } of node.members) {
    const value = initializer === undefined ? next : staticValue(sources, source, initializer, steps);
    if (typeof value === "number") next = value + 1;
    if (value !== undefined) members[name.getText().replace(/^["']|["']$/g, "")] = value;
  }
  return members;
}

/** `Patterns.TOTAL`: of an object, an enum, a class's static constants, or all of a module. */
function memberValue(
  sources: Sources,
  source: Source,
  { expression, name }: ts.PropertyAccessExpression,
  steps: number,
): StaticValue | undefined {
  const { ts } = sources;
  if (ts.isIdentifier(expression)) {
    const imported = source.imports.get(expression.text);
    const module = imported?.name === "*" ? sources.module(source, imported.module) : undefined;
    const member = module === undefined ? undefined : sources.declared(module, name.text);
    if (member !== undefined) return declaredValue(sources, member, steps);
    const declared = sources.declared(source, expression.text);
    if (declared !== undefined && ts.isClassDeclaration(declared.declaration)) {
      const constant = staticConstant(sources, declared.declaration, name.text);
      return constant && staticValue(sources, declared.source, constant, steps);
    }
  }
  const object = staticValue(sources, source, expression, steps);
  if (typeof object !== "object" || object === null || Array.isArray(object)) return undefined;
  return (object as StaticObject)[name.text];
}

/** What a static, readonly property of a class is set to. */
export function staticConstant({ ts }: Sources, node: ts.ClassDeclaration, name: string): ts.Expression | undefined {
  const property = node.members.filter(ts.isPropertyDeclaration).find((member) => member.name.getText() === name);
  const flags = property === undefined ? 0 : ts.getCombinedModifierFlags(property);
  const wanted = ts.ModifierFlags.Static | ts.ModifierFlags.Readonly;
  return (flags & wanted) === wanted ? property?.initializer : undefined;
}
