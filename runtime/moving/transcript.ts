// What a handler file takes over from a controller's: pieces of code, and all that they refer to.
//
// X1  A name that another file exports is imported from there; one that the controller's file declares is taken along.
// X2  A member of the controller becomes a name of the handler's file, a method that is called a function.
// X3  What cannot be taken over is a reason not to write the file. All reasons are told at once.

import { dirname, relative, sep } from "node:path";
import type ts from "typescript-5";
import type { Controller, OwnedClass } from "./controllers.ts";
import { type Member, memberOf, type Token } from "./members.ts";
import { namesDeclaredIn, referencesIn, templatesIn } from "./references.ts";
import { madeForEachMessage, type ServiceBehind, servicesBehind } from "./services-behind.ts";
import { sharedState } from "./shared-state.ts";
import type { Declaration, Imported, Source, Sources } from "./source.ts";
import { staticConstant, staticValue } from "./static-value.ts";
import { type Edit, edited, unindenting } from "./text-edits.ts";

export interface NeededImport extends Imported {
  readonly local: string;
  /** Only its type is needed. */
  isType: boolean;
}

export interface NeededService {
  readonly local: string;
  readonly type: string;
  readonly token: string;
}

export class Transcript {
  readonly imports = new Map<string, NeededImport>();
  /** Types, constants and functions of the file, and values of the controller: name to text. */
  readonly declarations = new Map<string, string>();
  readonly services = new Map<string, NeededService>();
  /** What Nest makes for it: those services, and what they are injected with. */
  readonly behind: ServiceBehind[] = [];
  readonly functions = new Map<string, string>();
  readonly reasons = new Set<string>();
  private readonly sources: Sources;
  private readonly controller: Controller;
  private readonly folder: string;
  private readonly taken: Set<string>;
  private readonly locals = new Map<string, string>();
  private readonly places = new Map<string, Declaration>();

  /** @param folder in which the handler's file is to lie; `taken`: names that are not free in it */
  constructor(sources: Sources, controller: Controller, folder: string, taken: Iterable<string>) {
    this.sources = sources;
    this.controller = controller;
    this.folder = folder;
    this.taken = new Set(taken);
    for (const { source } of controller.chain)
      for (const name of [...source.imports.keys(), ...source.declarations.keys()]) this.taken.add(name);
  }

  /** The text of a piece, as it stands in the handler's file. */
  take(owner: Pick<OwnedClass, "source"> & Partial<OwnedClass>, node: ts.Node, more: readonly Edit[] = []): string {
    const { source } = owner;
    const { text } = source.file;
    const edits: Edit[] = [
      ...more,
      ...unindenting(text, node.getStart(), node.end, templatesIn(this.sources.ts, node)),
    ];
    for (const reference of referencesIn(this.sources.ts, node)) {
      if (reference.kind === "instance") this.reasons.add("it uses `this` or `super` as a whole");
      else if (reference.kind === "member") edits.push(this.member(reference.node));
      else edits.push(...this.name(source, owner.node, reference.node, reference.inType));
    }
    return edited(text, node.getStart(), node.end, edits);
  }

  /** A name that is free in the handler's file: the same for each call with the same key. */
  localFor(key: string, suffix: string, wanted = key): string {
    const known = this.locals.get(key);
    if (known !== undefined) return known;
    let local = wanted;
    for (let at = 1; this.taken.has(local); at++) local = `${wanted}${suffix}${at === 1 ? "" : at}`;
    this.taken.add(local);
    this.locals.set(key, local);
    return local;
  }

  /** Whether the file has something of that name at its top. */
  has(name: string): boolean {
    return [this.imports, this.declarations, this.services, this.functions].some((known) => known.has(name));
  }

  /** A constant of the file with this value: one for all that want the same. */
  constant(wanted: string, value: string): string {
    for (const [local, text] of this.declarations) if (text === `const ${local} = ${value};`) return local;
    const local = this.localFor(`${wanted} = ${value}`, "Of", wanted);
    this.declarations.set(local, `const ${local} = ${value};`);
    return local;
  }

  import(local: string, module: string, name = local, isType = false): void {
    const known = this.imports.get(local);
    if (known === undefined) this.imports.set(local, { local, module, name, isType });
    else if (known.module !== module || known.name !== name) this.reasons.add(`it needs two things called ${local}`);
    else known.isType &&= isType;
  }

  /** X1 */
  private name(source: Source, owner: ts.ClassDeclaration | undefined, node: ts.Identifier, inType: boolean): Edit[] {
    const name = node.text;
    if (name === "arguments") this.reasons.add("it uses `arguments`");
    if (owner?.typeParameters?.some((parameter) => parameter.name.text === name))
      this.reasons.add(`it uses the type parameter ${name} of ${owner.name?.text}`);
    if (this.controller.chain.some((each) => each.node.name?.text === name)) return this.ownClass(node);
    const imported = source.imports.get(name);
    if (imported !== undefined) this.import(name, this.moduleFor(source, imported.module), imported.name, inType);
    else this.declaration(source, name);
    return [];
  }

  /** A module as it is imported in the handler's file; its ending stays as the project writes it. */
  moduleFor(source: Source, module: string): string {
    if (!module.startsWith(".")) return module;
    return relativeModule(this.folder, `${dirname(source.path)}/${module}`);
  }

  private declaration(source: Source, name: string): void {
    const declaration = source.declarations.get(name);
    if (declaration === undefined) return;
    const known = this.places.get(name);
    if (known !== undefined && known !== declaration) this.reasons.add(`it needs two things called ${name}`);
    if (known !== undefined) return;
    this.places.set(name, declaration);
    const { ts } = this.sources;
    const state = ts.isVariableDeclaration(declaration) ? sharedState(ts, declaration) : undefined;
    if (state !== undefined) this.reasons.add(`it uses ${name}, ${state}`);
    const piece = this.take({ source }, declaration).replace(/^export (default )?/, "");
    this.declarations.set(name, ts.isVariableDeclaration(declaration) ? `const ${piece};` : piece);
  }

  /** `OrdersController.name`, and what is a constant of it. */
  private ownClass(node: ts.Identifier): Edit[] {
    const { parent: access } = node;
    const { ts } = this.sources;
    const owner = this.controller.chain.find((each) => each.node.name?.text === node.text);
    const member = ts.isPropertyAccessExpression(access) ? access.name.text : "";
    const constant = owner && staticConstant(this.sources, owner.node, member);
    const value = owner && constant && staticValue(this.sources, owner.source, constant);
    const text = JSON.stringify(member === "name" ? node.text : value);
    if (text === undefined) this.reasons.add(`it uses ${node.text} itself`);
    return text === undefined ? [] : [{ start: access.getStart(), end: access.end, text }];
  }

  /** X2 */
  private member(access: ts.PropertyAccessExpression): Edit {
    const name = access.name.text;
    const member = memberOf(this.sources, this.controller, name);
    const local = this.localFor(name, SUFFIX[member.kind]);
    if (!this.has(local)) this.takeMember(member, name, local);
    const { parent } = access;
    const isShort = this.sources.ts.isPropertyAssignment(parent) && parent.name.getText() === local;
    return { start: (isShort ? parent : access).getStart(), end: access.end, text: local };
  }

  private takeMember(member: Member, name: string, local: string): void {
    if (member.kind === "unknown") this.reasons.add(member.reason);
    else if (member.kind === "method") this.takeMethod(member, local);
    else if (member.kind === "value") this.takeValue(member, name, local);
    else this.takeService(member, local);
  }

  private takeService({ owner, type, token }: Extract<Member, { kind: "injected" }>, local: string): void {
    this.services.set(local, { local, type: "", token: "" });
    const text = this.token(owner, token);
    this.services.set(local, { local, type: type === undefined ? "unknown" : this.take(owner, type), token: text });
  }

  private token(owner: OwnedClass, token: Token): string {
    if (token.kind === "call") {
      this.import(token.name, token.module);
      return `${token.name}(${token.args.map((arg) => this.take(owner, arg)).join(", ")})`;
    }
    const { node } = token;
    const name = node.getText();
    this.lookBehind(owner, name);
    if (!owner.source.declarations.has(name)) {
      // As a type it would not be there when it is asked for.
      const imported = owner.source.imports.get(name);
      if (imported !== undefined) this.import(name, this.moduleFor(owner.source, imported.module), imported.name);
    } else if (this.sources.ts.isClassDeclaration(owner.source.declarations.get(name) as ts.Node)) {
      this.reasons.add(`${name} is injected, and declared in the file of the controller: move it to a file of its own`);
    }
    return this.take(owner, node);
  }

  /** Nest's container gives a service once, when the handler is set up. */
  private lookBehind({ source }: OwnedClass, name: string): void {
    const services = servicesBehind(this.sources, source, name);
    this.behind.push(...services);
    const scoped = madeForEachMessage(this.sources, services);
    if (scoped === undefined) return;
    const why = scoped.name === name ? "" : `, as it needs ${scoped.name}`;
    this.reasons.add(
      `${name} is made anew for each message${why} (scope), and a handler is given its services once: have what it takes of a message handed to it`,
    );
  }

  private takeValue({ owner, node }: Extract<Member, { kind: "value" }>, name: string, local: string): void {
    const state = sharedState(this.sources.ts, node);
    const isAssigned = this.controller.chain.some((each) => assigns(this.sources, each.node, name));
    if (state !== undefined || isAssigned)
      this.reasons.add(`it uses this.${name}, ${state ?? "which is a state that the controller's methods share"}`);
    this.declarations.set(local, "");
    const type = node.type === undefined ? "" : `: ${this.take(owner, node.type)}`;
    const value = node.initializer === undefined ? "undefined" : this.take(owner, node.initializer);
    this.declarations.delete(local); // What it needs stands before it.
    this.declarations.set(local, `const ${local}${type} = ${value};`);
  }

  private takeMethod({ owner, node }: Extract<Member, { kind: "method" }>, local: string): void {
    const { ts } = this.sources;
    if ((ts.getDecorators(node) ?? []).length > 0)
      this.reasons.add(`it calls this.${node.name.getText()}(), which has decorators`);
    this.functions.set(local, "");
    const isAsync = (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Async) !== 0;
    const start = node.name.end;
    // Types, parameters and body in one piece: what stands before the name is decorators and modifiers.
    const text = this.take(owner, node, [{ start: node.getStart(), end: start, text: "" }]);
    const star = node.asteriskToken === undefined ? "" : "*";
    this.functions.set(local, `${isAsync ? "async " : ""}function${star} ${local}${text}`);
  }
}

const SUFFIX: Readonly<Record<Member["kind"], string>> = {
  injected: "Service",
  value: "Value",
  method: "Of",
  unknown: "",
};

/** From a folder to a path, as an import writes it. */
export function relativeModule(folder: string, path: string): string {
  const way = relative(folder, path).split(sep).join("/");
  return way.startsWith(".") ? way : `./${way}`;
}

function assigns({ ts }: Sources, node: ts.Node, name: string): boolean {
  const { FirstAssignment, LastAssignment, PlusPlusToken, MinusMinusToken } = ts.SyntaxKind;
  const visit = (inner: ts.Node): boolean => {
    if (ts.isBinaryExpression(inner) && inner.left.getText() === `this.${name}`) {
      const { kind } = inner.operatorToken;
      if (kind >= FirstAssignment && kind <= LastAssignment) return true;
    }
    const isUnary = ts.isPrefixUnaryExpression(inner) || ts.isPostfixUnaryExpression(inner);
    if (
      isUnary &&
      [PlusPlusToken, MinusMinusToken].includes(inner.operator) &&
      inner.operand.getText() === `this.${name}`
    )
      return true;
    return ts.forEachChild(inner, visit) ?? false;
  };
  return visit(node);
}

/** The names that a method declares, and those that it may call: they would hide those of the handler's file. */
export function namesInMethods({ ts }: Sources, { chain }: Controller, method: ts.MethodDeclaration): string[] {
  const methods = chain.flatMap(({ node }) => node.members.filter(ts.isMethodDeclaration));
  const called = methods.filter((node) => node === method || (ts.getDecorators(node) ?? []).length === 0);
  return called.flatMap((node) => [...namesDeclaredIn(ts, node)]);
}
