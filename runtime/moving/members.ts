// What `this.x` of a controller is: a service that Nest injects, a value of its own, or a method.

import type ts from "typescript-5";
import type { Controller, OwnedClass } from "./controllers.ts";
import { type DecoratorUse, decoratorsOf } from "./decorators.ts";
import type { Sources } from "./source.ts";

export type Member =
  | {
      readonly kind: "injected";
      readonly owner: OwnedClass;
      readonly type: ts.TypeNode | undefined;
      readonly token: Token;
    }
  | { readonly kind: "value"; readonly owner: OwnedClass; readonly node: ts.PropertyDeclaration }
  | { readonly kind: "method"; readonly owner: OwnedClass; readonly node: ts.MethodDeclaration }
  | { readonly kind: "unknown"; readonly reason: string };

/** What Nest's container knows a service by. */
export type Token =
  | { readonly kind: "expression"; readonly node: ts.Node }
  /** What a function of the package gives, such as `getRepositoryToken(User)`. */
  | { readonly kind: "call"; readonly module: string; readonly name: string; readonly args: readonly ts.Expression[] };

/** Decorators that inject, and what gives their tokens in the same package. */
const TOKEN_MAKERS: Readonly<Record<string, string>> = {
  InjectRepository: "getRepositoryToken",
  InjectModel: "getModelToken",
  InjectQueue: "getQueueToken",
};

export function memberOf(sources: Sources, { chain, unreadBase }: Controller, name: string): Member {
  for (const owner of chain) {
    const member = ownMember(sources, owner, name) ?? constructed(sources, chain, owner, name);
    if (member !== undefined) return member;
  }
  const where = unreadBase === undefined ? "" : `, which may be of ${unreadBase}`;
  return { kind: "unknown", reason: `it uses this.${name}${where}, and where that is set cannot be seen` };
}

function ownMember(sources: Sources, owner: OwnedClass, name: string): Member | undefined {
  const { ts } = sources;
  const named = owner.node.members.filter((member) => member.name?.getText() === name);
  const node = named.find((member) => ts.isMethodDeclaration(member) && member.body !== undefined) ?? named[0];
  if (node === undefined) return undefined;
  if (ts.isMethodDeclaration(node)) {
    return node.body === undefined ? undefined : { kind: "method", owner, node };
  }
  if (!ts.isPropertyDeclaration(node)) return { kind: "unknown", reason: `it uses the accessor this.${name}` };
  const uses = decoratorsOf(ts, owner.source, node);
  if (uses.length > 0) return injected(sources, owner, node.type, uses, name);
  return node.initializer === undefined ? undefined : { kind: "value", owner, node };
}

/** What a constructor makes of one of its parameters: `private readonly x: X`, or `this.x = x`. */
function constructed(
  sources: Sources,
  chain: readonly OwnedClass[],
  owner: OwnedClass,
  name: string,
): Member | undefined {
  const { ts } = sources;
  const builder = constructorOf(sources, owner);
  const parameter = builder?.parameters.find((each) => {
    const isProperty = ts.isParameterPropertyDeclaration(each, builder) && each.name.getText() === name;
    return isProperty || isAssigned(sources, builder, name, each.name.getText());
  });
  if (builder === undefined || parameter === undefined) return undefined;
  return givenFrom(sources, chain, owner, parameter, builder.parameters.indexOf(parameter), name);
}

/** Who extends a class hands on what its own constructor is given, or has none. */
function givenFrom(
  sources: Sources,
  chain: readonly OwnedClass[],
  owner: OwnedClass,
  parameter: ts.ParameterDeclaration,
  at: number,
  name: string,
): Member {
  const heir = chain.slice(0, chain.indexOf(owner)).findLast((each) => constructorOf(sources, each) !== undefined);
  if (heir === undefined) {
    const uses = decoratorsOf(sources.ts, owner.source, parameter);
    return injected(sources, owner, parameter.type, uses, name);
  }
  const builder = constructorOf(sources, heir);
  const argument = builder && superArguments(sources, builder)?.[at]?.getText();
  const own = builder?.parameters.find((each) => each.name.getText() === argument);
  if (builder === undefined || own === undefined)
    return { kind: "unknown", reason: `it uses this.${name}, which is not handed to super() as it is` };
  return givenFrom(sources, chain, heir, own, builder.parameters.indexOf(own), name);
}

function injected(
  { ts }: Sources,
  owner: OwnedClass,
  type: ts.TypeNode | undefined,
  uses: readonly DecoratorUse[],
  name: string,
): Member {
  const [use, ...others] = uses;
  if (others.length > 0) return { kind: "unknown", reason: `this.${name} has more than one decorator` };
  if (use === undefined) {
    const isClass = type !== undefined && ts.isTypeReferenceNode(type);
    if (!isClass) return { kind: "unknown", reason: `what is injected as this.${name} cannot be told by its type` };
    return { kind: "injected", owner, type, token: { kind: "expression", node: type.typeName } };
  }
  const maker = TOKEN_MAKERS[use.name];
  if (maker !== undefined && use.module !== undefined)
    return { kind: "injected", owner, type, token: { kind: "call", module: use.module, name: maker, args: use.args } };
  const [token] = use.args;
  if (use.name !== "Inject" || token === undefined)
    return { kind: "unknown", reason: `this.${name} is injected by @${use.name}, which is not known here` };
  return { kind: "injected", owner, type, token: { kind: "expression", node: behindForwardRef(ts, token) } };
}

function behindForwardRef(typescript: Sources["ts"], token: ts.Expression): ts.Node {
  if (!typescript.isCallExpression(token) || token.expression.getText() !== "forwardRef") return token;
  const [given] = token.arguments;
  return given !== undefined && typescript.isArrowFunction(given) ? given.body : token;
}

function constructorOf({ ts }: Sources, { node }: OwnedClass): ts.ConstructorDeclaration | undefined {
  return node.members.filter(ts.isConstructorDeclaration).find(({ body }) => body !== undefined);
}

function isAssigned({ ts }: Sources, { body }: ts.ConstructorDeclaration, name: string, parameter: string): boolean {
  return (body?.statements ?? []).some(
    (statement) =>
      ts.isExpressionStatement(statement) &&
      ts.isBinaryExpression(statement.expression) &&
      statement.expression.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      statement.expression.left.getText() === `this.${name}` &&
      statement.expression.right.getText() === parameter,
  );
}

function superArguments({ ts }: Sources, { body }: ts.ConstructorDeclaration): readonly ts.Expression[] | undefined {
  for (const statement of body?.statements ?? []) {
    if (!ts.isExpressionStatement(statement) || !ts.isCallExpression(statement.expression)) continue;
    if (statement.expression.expression.kind === ts.SyntaxKind.SuperKeyword) return statement.expression.arguments;
  }
  return undefined;
}
