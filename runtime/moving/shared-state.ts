// Whether a value is a state that the methods of a controller share: each handler has a process of its own, and would have its own.

import type ts from "typescript-5";
import type { TypeScript } from "./typescript.ts";

const CONTAINERS = new Set([
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "Array",
  "BehaviorSubject",
  "Subject",
  "ReplaySubject",
]);

/** The end of a sentence, or undefined: it is none, as far as can be seen. */
export function sharedState(
  typescript: TypeScript,
  node: ts.VariableDeclaration | ts.PropertyDeclaration,
): string | undefined {
  const isVariable = typescript.isVariableDeclaration(node);
  const isConstant = !isVariable || (typescript.getCombinedNodeFlags(node) & typescript.NodeFlags.Const) !== 0;
  const { initializer } = node;
  const isContainer =
    initializer !== undefined &&
    ((typescript.isNewExpression(initializer) && CONTAINERS.has(initializer.expression.getText())) ||
      (typescript.isArrayLiteralExpression(initializer) && initializer.elements.length === 0) ||
      (typescript.isObjectLiteralExpression(initializer) && initializer.properties.length === 0));
  return isConstant && !isContainer ? undefined : "which is a state that the controller's methods share";
}
