// Which methods of a file Nest binds to patterns, those that a controller inherits included.

import type ts from "typescript-5";
import { type DecoratorUse, decoratorsOf } from "./decorators.ts";
import type { Source, Sources } from "./source.ts";

export interface OwnedClass {
  readonly source: Source;
  readonly node: ts.ClassDeclaration;
}

export interface Controller {
  readonly name: string;
  /** The controller itself, then what it extends. */
  readonly chain: readonly OwnedClass[];
  /** What it extends, and cannot be read; undefined: nothing. */
  readonly unreadBase: string | undefined;
}

export interface PatternMethod {
  readonly controller: Controller;
  readonly owner: OwnedClass;
  readonly node: ts.MethodDeclaration;
  readonly name: string;
  readonly patterns: readonly DecoratorUse[];
}

const PATTERNS = new Set(["EventPattern", "MessagePattern"]);
const NEST = "@nestjs/microservices";

export function controllersOf(sources: Sources, source: Source): Controller[] {
  const { ts } = sources;
  return source.file.statements
    .filter(ts.isClassDeclaration)
    .filter((node) => decoratorsOf(ts, source, node).some(({ name }) => name === "Controller"))
    .map((node) => ({ name: node.name?.text ?? "controller", ...chainOf(sources, { source, node }) }));
}

/** In the order of the file, those of the controller itself first. */
export function patternMethodsOf({ ts }: Sources, controller: Controller): PatternMethod[] {
  const seen = new Set<string>();
  return controller.chain.flatMap((owner) =>
    owner.node.members.filter(ts.isMethodDeclaration).flatMap((node): PatternMethod[] => {
      const name = node.name.getText();
      // One that is overridden is not there for Nest either.
      if (seen.has(name) || node.body === undefined) return [];
      seen.add(name);
      const patterns = decoratorsOf(ts, owner.source, node).filter(
        (use) => use.module === NEST && PATTERNS.has(use.name),
      );
      return patterns.length === 0 ? [] : [{ controller, owner, node, name, patterns }];
    }),
  );
}

function chainOf(sources: Sources, first: OwnedClass): Pick<Controller, "chain" | "unreadBase"> {
  const { ts } = sources;
  const chain = [first];
  for (let last = first; ; ) {
    const base = last.node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
    if (base === undefined) return { chain, unreadBase: undefined };
    const name = base.expression.getText();
    const declared = sources.declared(last.source, name);
    if (declared === undefined || !ts.isClassDeclaration(declared.declaration)) return { chain, unreadBase: name };
    last = { source: declared.source, node: declared.declaration };
    if (chain.some(({ node }) => node === last.node)) return { chain, unreadBase: name };
    chain.push(last);
  }
}
