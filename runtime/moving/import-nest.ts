// `handlers import nest`: which handlers the methods of controllers become, and which of them cannot. Writes nothing.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { handlerFileOf } from "../discover/rules.ts";
import { RuntimeError } from "../errors.ts";
import { type AppModule, appModuleAt, appModuleFor } from "./app-module.ts";
import { type Controller, controllersOf, type PatternMethod, patternMethodsOf } from "./controllers.ts";
import { handlerOfMethod } from "./handler-of-method.ts";
import { containerText } from "./handler-source.ts";
import { nameOfMethod, nameOfSubject, subjectsOfPattern } from "./pattern-subject.ts";
import { type Source, Sources } from "./source.ts";
import { staticValue } from "./static-value.ts";
import { relativeModule } from "./transcript.ts";
import { projectsTypeScript } from "./typescript.ts";

export interface NestImportRequest {
  readonly rootDir: string;
  readonly handlersDir: string;
  /** Absolute. */
  readonly files: readonly string[];
  /** The file of the app's module, absolute; undefined: the nearest app.module.ts above a controller. */
  readonly module: string | undefined;
}

export interface NewFile {
  readonly path: string;
  readonly text: string;
}

/** A method, and where it is: from the root of the project, with `/`. */
export interface MethodPlace {
  readonly file: string;
  readonly line: number;
  readonly method: string;
}

export interface ImportedMethod extends MethodPlace, NewFile {
  readonly subjects: readonly string[];
  /** What is left to be seen to by hand. */
  readonly notes: readonly string[];
}

export interface LeftMethod extends MethodPlace {
  readonly reasons: readonly string[];
}

export interface NestImport {
  readonly imported: readonly ImportedMethod[];
  readonly left: readonly LeftMethod[];
  /** What the handlers share. */
  readonly shared: readonly NewFile[];
  /** Controllers' own hooks, which no method has in it. */
  readonly hooks: readonly MethodPlace[];
}

const HOOKS = new Set(["onModuleInit", "onApplicationBootstrap", "onModuleDestroy", "onApplicationShutdown"]);

/** Throws USAGE for a file that cannot be read, or has no controller. */
export function importNest(request: NestImportRequest): NestImport {
  const sources = new Sources(projectsTypeScript(request.rootDir));
  const controllers = request.files.flatMap((path) => readControllers(sources, request.rootDir, path));
  const run = new ImportRun(sources, request);
  for (const controller of controllers) for (const method of patternMethodsOf(sources, controller)) run.take(method);
  return { ...run.result, hooks: controllers.flatMap((controller) => hooksOf(sources, request.rootDir, controller)) };
}

class ImportRun {
  private readonly sources: Sources;
  private readonly request: NestImportRequest;
  private readonly imported: ImportedMethod[] = [];
  private readonly left: LeftMethod[] = [];
  private readonly shared: NewFile[] = [];

  constructor(sources: Sources, request: NestImportRequest) {
    this.sources = sources;
    this.request = request;
  }

  get result(): Pick<NestImport, "imported" | "left" | "shared"> {
    return { imported: this.imported, left: this.left, shared: this.shared };
  }

  take(method: PatternMethod): void {
    const { rootDir, handlersDir } = this.request;
    const place = placeOf(rootDir, method.controller.name, method.owner.source, method.node.name);
    const leave = (...reasons: string[]) => void this.left.push({ ...place, reasons });
    const subjects = this.subjectsOf(method);
    if (typeof subjects === "string") return leave(subjects);
    const path = this.pathFor(method, subjects);
    const shown = shownPath(rootDir, path);
    if (isThere(path)) return leave(`${shown} is there already`);
    const folder = dirname(path);
    const module = this.appModule(method);
    const ending = endingOf(method.owner.source, rootDir);
    const container = module && `${relativeModule(folder, join(handlersDir, "_nest"))}${ending}`;
    const made = handlerOfMethod(this.sources, method, { subjects, folder, container });
    if (made.kind === "left") return leave(...made.reasons);
    this.imported.push({ ...place, subjects, path, text: made.text, notes: made.notes });
    if (made.needsContainer && module !== undefined) this.shareContainer(module, ending);
  }

  /** Or why there are none. */
  private subjectsOf({ patterns, owner }: PatternMethod): readonly string[] | string {
    const [use, ...others] = patterns;
    const [expression] = use?.args ?? [];
    if (others.length > 0) return "it has more than one pattern decorator";
    if (expression === undefined) return "it has no pattern";
    const value = staticValue(this.sources, owner.source, expression);
    if (value === undefined) return `its pattern ${expression.getText()} is known only while the app runs`;
    const found = subjectsOfPattern(value);
    return found.kind === "unfit" ? found.reason : found.subjects;
  }

  /** Two methods of one subject have a file each. */
  private pathFor({ controller, name }: PatternMethod, subjects: readonly string[]): string {
    const { rootDir, handlersDir } = this.request;
    const [only = "", ...others] = subjects;
    const ofSubject = others.length === 0 ? nameOfSubject(only) : undefined;
    const names = [ofSubject, nameOfMethod(controller.name, name)].filter((each) => each !== undefined);
    const paths = names.map((each) => join(handlersDir, `${each}.ts`));
    const fit = paths.filter((path) => handlerFileOf(rootDir, handlersDir, path) !== undefined);
    const taken = new Set(this.imported.map(({ path }) => path));
    return fit.find((path) => !taken.has(path)) ?? fit.at(-1) ?? paths[0] ?? "";
  }

  private appModule({ controller }: PatternMethod): AppModule | undefined {
    const { rootDir, module } = this.request;
    const [first] = controller.chain;
    if (module !== undefined) return appModuleAt(this.sources, module);
    return first && appModuleFor(this.sources, rootDir, first.source.path);
  }

  private shareContainer({ path, name }: AppModule, ending: string): void {
    const { handlersDir } = this.request;
    const own = join(handlersDir, "_nest.ts");
    if (this.shared.length > 0 || existsSync(own)) return;
    const module = `${relativeModule(handlersDir, path.replace(/\.ts$/, ""))}${ending}`;
    this.shared.push({ path: own, text: containerText(module, name) });
  }
}

function readControllers(sources: Sources, rootDir: string, path: string): Controller[] {
  const shown = shownPath(rootDir, path);
  let found: Controller[];
  try {
    found = controllersOf(sources, sources.at(path));
  } catch (cause) {
    throw new RuntimeError("USAGE", `${shown} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (found.length === 0) throw new RuntimeError("USAGE", `${shown} has no class with @Controller()`);
  return found;
}

function hooksOf({ ts }: Sources, rootDir: string, { name, chain }: Controller): MethodPlace[] {
  return chain.flatMap(({ source, node }) =>
    node.members
      .filter(ts.isMethodDeclaration)
      .filter((member) => HOOKS.has(member.name.getText()))
      .map((member) => placeOf(rootDir, name, source, member.name)),
  );
}

function placeOf(
  rootDir: string,
  controller: string,
  { path, file }: Source,
  name: { getText(): string; getStart(): number },
): MethodPlace {
  const { line } = file.getLineAndCharacterOfPosition(name.getStart());
  return { file: shownPath(rootDir, path), line: line + 1, method: `${controller}.${name.getText()}` };
}

function shownPath(rootDir: string, path: string): string {
  return relative(rootDir, path).split(sep).join("/");
}

function isThere(path: string): boolean {
  return ["ts", "mts", "cts", "js", "mjs", "cjs", "tsx", "jsx"].some((ending) =>
    existsSync(path.replace(/ts$/, ending)),
  );
}

/** How the project ends the names of its own files in imports: as this file does, else as its package.json has it. */
function endingOf({ imports }: Source, rootDir: string): string {
  const own = [...imports.values()].find(({ module }) => module.startsWith("."));
  if (own !== undefined) return /\.[mc]?[jt]s$/.exec(own.module)?.[0] ?? "";
  try {
    return JSON.parse(readFileSync(join(rootDir, "package.json"), "utf8")).type === "module" ? ".js" : "";
  } catch {
    return ""; // Without a package.json a project is no module either.
  }
}
