// What Nest makes together with a service: the service itself, and all that it is injected with, as far as the sources tell.

import type ts from "typescript-5";
import { decoratorsOf } from "./decorators.ts";
import type { Source, Sources } from "./source.ts";

export interface ServiceBehind {
  readonly name: string;
  /** The package that has it; undefined: it is one of the project's. */
  readonly module: string | undefined;
  /** Its class, where the project has it. */
  readonly declared: { readonly source: Source; readonly node: ts.ClassDeclaration } | undefined;
}

/** The service first. @param name as `source` calls it */
export function servicesBehind(sources: Sources, source: Source, name: string): ServiceBehind[] {
  const found: ServiceBehind[] = [];
  const seen = new Set<ts.Node>();
  const visit = (from: Source, called: string): void => {
    const imported = from.imports.get(called);
    const declared = sources.declared(from, called);
    if (declared === undefined || !sources.ts.isClassDeclaration(declared.declaration)) {
      found.push({ name: imported?.name ?? called, module: imported?.module, declared: undefined });
      return;
    }
    const node = declared.declaration;
    if (seen.has(node)) return;
    seen.add(node);
    found.push({ name: node.name?.text ?? called, module: undefined, declared: { source: declared.source, node } });
    for (const token of injectedInto(sources, declared.source, node)) visit(declared.source, token);
  };
  visit(source, name);
  return found;
}

/** The names of what a class is given. */
function injectedInto({ ts }: Sources, source: Source, node: ts.ClassDeclaration): string[] {
  const builder = node.members.filter(ts.isConstructorDeclaration).find(({ body }) => body !== undefined);
  const properties = node.members.filter(ts.isPropertyDeclaration);
  return [...(builder?.parameters ?? []), ...properties].flatMap((each) => {
    const use = decoratorsOf(ts, source, each).find((one) => one.name === "Inject");
    const [token] = use?.args ?? [];
    if (token !== undefined) return ts.isIdentifier(token) ? [token.text] : [];
    if (ts.isPropertyDeclaration(each) && use === undefined) return [];
    return each.type !== undefined && ts.isTypeReferenceNode(each.type) ? [each.type.typeName.getText()] : [];
  });
}

/** Which of them Nest makes anew for each message; undefined: none, as far as can be seen. */
export function madeForEachMessage({ ts }: Sources, services: readonly ServiceBehind[]): ServiceBehind | undefined {
  return services.find(({ name, module, declared }) => {
    if (declared === undefined) return module?.startsWith("@nestjs/") === true && OF_THE_MESSAGE.has(name);
    return decoratorsOf(ts, declared.source, declared.node).some(
      (use) =>
        use.name === "Injectable" && use.args.some((arg) => /\bscope\s*:(?!\s*Scope\.DEFAULT)/.test(arg.getText())),
    );
  });
}

const OF_THE_MESSAGE = new Set(["REQUEST", "CONTEXT"]);
