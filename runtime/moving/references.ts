// What a piece of code refers to: names from outside of it, and `this`.

import type ts from "typescript-5";
import type { TypeScript } from "./typescript.ts";

export type Reference =
  | { readonly kind: "name"; readonly node: ts.Identifier; readonly inType: boolean }
  | { readonly kind: "member"; readonly node: ts.PropertyAccessExpression }
  /** `this` or `super` in a way that a function has none for. */
  | { readonly kind: "instance"; readonly node: ts.Node };

export function referencesIn(typescript: TypeScript, root: ts.Node): Reference[] {
  const found: Reference[] = [];

  function visit(node: ts.Node, inType: boolean, ownThis: boolean): void {
    const type = inType || isType(typescript, node);
    if (typescript.isIdentifier(node)) {
      if (isReference(typescript, node)) found.push({ kind: "name", node, inType: type });
      return;
    }
    if (isInstance(typescript, node) && !ownThis && !type) {
      const { parent } = node;
      const isMember = node.kind === typescript.SyntaxKind.ThisKeyword && typescript.isPropertyAccessExpression(parent);
      found.push(isMember ? { kind: "member", node: parent } : { kind: "instance", node });
      return;
    }
    const bindsThis = node !== root && hasOwnThis(typescript, node);
    typescript.forEachChild(node, (child) => visit(child, type, ownThis || bindsThis));
  }

  visit(root, false, false);
  return found;
}

/** The names that are declared within: variables, parameters, functions, classes. */
export function namesDeclaredIn(typescript: TypeScript, root: ts.Node): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const { name } = node as { readonly name?: ts.Node };
    const declares =
      typescript.isVariableDeclaration(node) ||
      typescript.isParameter(node) ||
      typescript.isBindingElement(node) ||
      typescript.isFunctionDeclaration(node) ||
      typescript.isFunctionExpression(node) ||
      typescript.isClassDeclaration(node);
    if (declares && name !== undefined && typescript.isIdentifier(name)) names.add(name.text);
    typescript.forEachChild(node, visit);
  };
  visit(root);
  return names;
}

/** Texts over several lines, in which white space counts. */
export function templatesIn(typescript: TypeScript, root: ts.Node): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (typescript.isTemplateExpression(node) || typescript.isNoSubstitutionTemplateLiteral(node))
      ranges.push({ start: node.getStart(), end: node.end });
    else typescript.forEachChild(node, visit);
  };
  visit(root);
  return ranges;
}

/** What a class extends is written as a type, and is a value. */
function isType(typescript: TypeScript, node: ts.Node): boolean {
  return typescript.isTypeNode(node) && !typescript.isExpressionWithTypeArguments(node);
}

function isInstance({ SyntaxKind }: TypeScript, { kind }: ts.Node): boolean {
  return kind === SyntaxKind.ThisKeyword || kind === SyntaxKind.SuperKeyword;
}

function hasOwnThis(typescript: TypeScript, node: ts.Node): boolean {
  return (
    typescript.isFunctionDeclaration(node) ||
    typescript.isFunctionExpression(node) ||
    typescript.isMethodDeclaration(node) ||
    typescript.isAccessor(node) ||
    typescript.isClassLike(node)
  );
}

/** Not the name of a property, nor of what is declared there. */
function isReference(typescript: TypeScript, node: ts.Identifier): boolean {
  const { parent } = node;
  if (typescript.isPropertyAccessExpression(parent)) return parent.name !== node;
  if (typescript.isQualifiedName(parent)) return parent.right !== node;
  if (typescript.isBindingElement(parent)) return parent.initializer === node;
  if (typescript.isShorthandPropertyAssignment(parent)) return true;
  if (typescript.isBreakOrContinueStatement(parent) || typescript.isLabeledStatement(parent)) return false;
  return (parent as { readonly name?: ts.Node }).name !== node;
}
