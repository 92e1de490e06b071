// A file of the Nest project as TypeScript reads it: what it imports and declares, and the files beside it.

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type ts from "typescript-5";
import type { TypeScript } from "./typescript.ts";

export interface Imported {
  readonly module: string;
  /** As the module exports it; `default`, or `*` for all of it. */
  readonly name: string;
}

/** What stands at the top of a file and has a name. */
export type Declaration =
  | ts.ClassDeclaration
  | ts.FunctionDeclaration
  | ts.InterfaceDeclaration
  | ts.TypeAliasDeclaration
  | ts.EnumDeclaration
  | ts.VariableDeclaration;

export interface Source {
  readonly path: string;
  readonly file: ts.SourceFile;
  readonly imports: ReadonlyMap<string, Imported>;
  readonly declarations: ReadonlyMap<string, Declaration>;
}

export interface Declared {
  readonly source: Source;
  readonly declaration: Declaration;
}

export class Sources {
  readonly ts: TypeScript;
  private readonly read = new Map<string, Source>();

  constructor(typescript: TypeScript) {
    this.ts = typescript;
  }

  /** Throws what reading a file throws. */
  at(path: string): Source {
    const known = this.read.get(path);
    if (known !== undefined) return known;
    const { ts } = this;
    const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
    const source = { path, file, imports: importsOf(ts, file), declarations: declarationsOf(ts, file) };
    this.read.set(path, source);
    return source;
  }

  /** Where a name of a file is declared; undefined where that is in a package, or cannot be found. */
  declared(source: Source, name: string): Declared | undefined {
    const declaration = source.declarations.get(name);
    if (declaration !== undefined) return { source, declaration };
    const imported = source.imports.get(name);
    if (imported === undefined || imported.name === "*" || imported.name === "default") return undefined;
    const module = this.module(source, imported.module);
    return module === undefined ? undefined : this.exported(module, imported.name, 0);
  }

  /** The file that an import with a relative path names. */
  module(source: Source, name: string): Source | undefined {
    if (!name.startsWith(".")) return undefined;
    const path = join(dirname(source.path), name);
    const stem = path.replace(/\.[mc]?js$/, "");
    // What was compiled may lie beside it.
    const found = [`${stem}.ts`, `${stem}.mts`, `${stem}.cts`, join(path, "index.ts"), path].find(isFile);
    return found === undefined ? undefined : this.at(found);
  }

  private exported(source: Source, name: string, depth: number): Declared | undefined {
    const declared = this.declared(source, name);
    if (declared !== undefined || depth > MOST_HOPS) return declared;
    for (const { module, names } of reexportsOf(this.ts, source.file)) {
      const inner = names === undefined ? name : names.get(name);
      const next = inner === undefined ? undefined : this.module(source, module);
      const found = next === undefined ? undefined : this.exported(next, inner ?? name, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

const MOST_HOPS = 10;

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function importsOf(ts: TypeScript, file: ts.SourceFile): Map<string, Imported> {
  const imports = new Map<string, Imported>();
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const module = statement.moduleSpecifier.text;
    const { name, namedBindings } = statement.importClause ?? {};
    if (name !== undefined) imports.set(name.text, { module, name: "default" });
    if (namedBindings === undefined) continue;
    if (ts.isNamespaceImport(namedBindings)) imports.set(namedBindings.name.text, { module, name: "*" });
    else
      for (const { name: local, propertyName } of namedBindings.elements)
        imports.set(local.text, { module, name: (propertyName ?? local).text });
  }
  return imports;
}

function declarationsOf(ts: TypeScript, file: ts.SourceFile): Map<string, Declaration> {
  const declarations = new Map<string, Declaration>();
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations)
        if (ts.isIdentifier(declaration.name)) declarations.set(declaration.name.text, declaration);
    } else if (isNamedDeclaration(ts, statement) && statement.name !== undefined) {
      declarations.set(statement.name.text, statement);
    }
  }
  return declarations;
}

function isNamedDeclaration(ts: TypeScript, node: ts.Node): node is Exclude<Declaration, ts.VariableDeclaration> {
  return (
    ts.isClassDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node)
  );
}

interface Reexport {
  readonly module: string;
  /** From what is exported to what it is called there; undefined: everything. */
  readonly names: ReadonlyMap<string, string> | undefined;
}

function reexportsOf(ts: TypeScript, file: ts.SourceFile): Reexport[] {
  return file.statements.flatMap((statement): Reexport[] => {
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) return [];
    if (!ts.isStringLiteral(statement.moduleSpecifier)) return [];
    const { exportClause, moduleSpecifier } = statement;
    if (exportClause === undefined) return [{ module: moduleSpecifier.text, names: undefined }];
    if (!ts.isNamedExports(exportClause)) return [];
    const names = exportClause.elements.map(
      ({ name, propertyName }) => [name.text, (propertyName ?? name).text] as const,
    );
    return [{ module: moduleSpecifier.text, names: new Map(names) }];
  });
}
