// The decorators of a class, a method or a parameter, by the names under which their packages export them.

import type ts from "typescript-5";
import type { Source } from "./source.ts";
import type { TypeScript } from "./typescript.ts";

export interface DecoratorUse {
  readonly name: string;
  /** Undefined: declared in the file itself. */
  readonly module: string | undefined;
  readonly args: readonly ts.Expression[];
  readonly node: ts.Decorator;
}

export function decoratorsOf(typescript: TypeScript, source: Source, node: ts.HasDecorators): DecoratorUse[] {
  return (typescript.getDecorators(node) ?? []).map((decorator) => {
    const { expression } = decorator;
    const [callee, args] = typescript.isCallExpression(expression)
      ? [expression.expression, expression.arguments]
      : [expression, []];
    const imported = typescript.isIdentifier(callee) ? source.imports.get(callee.text) : undefined;
    return { name: imported?.name ?? callee.getText(), module: imported?.module, args, node: decorator };
  });
}

/** Those that change nothing of what a method does with a message. */
export function isWithoutEffect({ module }: DecoratorUse): boolean {
  return module === "@nestjs/swagger";
}
