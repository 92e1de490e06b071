// The pipes of a payload, as calls of what they are: objects with `transform`.

import type ts from "typescript-5";
import type { OwnedClass } from "./controllers.ts";
import type { DecoratorUse } from "./decorators.ts";
import type { Sources } from "./source.ts";
import type { Transcript } from "./transcript.ts";

/** What looks into a text, and must be given one. */
const TAKE_TEXT = new Set(["ParseIntPipe", "ParseFloatPipe", "ParseBoolPipe", "ParseUUIDPipe"]);

export interface Piped {
  /** The type of what comes. */
  readonly input: string;
  /** The expression that gives what the method is to have. */
  call(value: string): string;
}

export interface PipedParameter {
  readonly owner: OwnedClass;
  readonly pipes: readonly ts.Expression[];
  readonly type: ts.TypeNode | undefined;
  readonly field: string | undefined;
}

/** Undefined without a pipe. */
export function pipedBy(
  sources: Sources,
  transcript: Transcript,
  { owner, pipes, type, field }: PipedParameter,
): Piped | undefined {
  const [first] = pipes;
  if (first === undefined) return undefined;
  const locals = pipes.map((pipe) => instanceOf(sources, owner, transcript, pipe));
  const metatype = type && metatypeOf(sources, owner, transcript, type);
  const fields = [
    'type: "body"',
    ...(metatype === undefined ? [] : [`metatype: ${metatype}`]),
    ...(field === undefined ? [] : [`data: ${JSON.stringify(field)}`]),
  ];
  return {
    input: TAKE_TEXT.has(classOf(sources, first).getText()) ? "string" : "unknown",
    call: (value) =>
      locals.reduce((inner, local) => `await ${local}.transform(${inner}, { ${fields.join(", ")} })`, value),
  };
}

/** In the order in which Nest runs them: of the class, of the method. */
export function pipesOf(uses: readonly DecoratorUse[]): ts.Expression[] {
  return uses.filter(({ name }) => name === "UsePipes").flatMap(({ args }) => args);
}

function classOf({ ts }: Sources, pipe: ts.Expression): ts.Expression {
  return ts.isNewExpression(pipe) ? pipe.expression : pipe;
}

function instanceOf(sources: Sources, owner: OwnedClass, transcript: Transcript, pipe: ts.Expression): string {
  const name = classOf(sources, pipe).getText();
  const isNew = sources.ts.isNewExpression(pipe);
  if (!isNew && !isMadeOfNothing(sources, owner, name))
    transcript.reasons.add(`its pipe ${name} is made by Nest, with what it needs`);
  const text = transcript.take(owner, pipe);
  return transcript.constant(`${name.charAt(0).toLowerCase()}${name.slice(1)}`, isNew ? text : `new ${text}()`);
}

function isMadeOfNothing(sources: Sources, { source }: OwnedClass, name: string): boolean {
  if (source.imports.get(name)?.module === "@nestjs/common") return true;
  const declaration = sources.declared(source, name)?.declaration;
  if (declaration === undefined || !sources.ts.isClassDeclaration(declaration)) return false;
  const isPlain =
    declaration.heritageClauses?.every(({ token }) => token !== sources.ts.SyntaxKind.ExtendsKeyword) ?? true;
  const constructors = declaration.members.filter(sources.ts.isConstructorDeclaration);
  return isPlain && constructors.every(({ parameters }) => parameters.length === 0);
}

/** What TypeScript tells Nest of the parameter's type: a class, or that of a text, a number or a boolean. */
function metatypeOf(
  sources: Sources,
  owner: OwnedClass,
  transcript: Transcript,
  type: ts.TypeNode,
): string | undefined {
  const { ts } = sources;
  if (type.kind === ts.SyntaxKind.StringKeyword) return "String";
  if (type.kind === ts.SyntaxKind.NumberKeyword) return "Number";
  if (type.kind === ts.SyntaxKind.BooleanKeyword) return "Boolean";
  if (!ts.isTypeReferenceNode(type)) return undefined;
  const name = type.typeName.getText();
  const declaration = sources.declared(owner.source, name)?.declaration;
  if (declaration === undefined && owner.source.imports.has(name))
    transcript.reasons.add(`its pipe is told the type ${name}, and whether that is a class cannot be seen`);
  const isClass = declaration !== undefined && ts.isClassDeclaration(declaration);
  return isClass ? transcript.take(owner, type.typeName) : undefined;
}
