// Where a file or package could appear that would mend a failed import.
import { dirname, extname, join, resolve } from "node:path";
import { packageNameOf } from "./bare-imports.ts";

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs", ".tsx", ".json"];
/** Written last by npm, pnpm and yarn: once they change, the package is whole. */
const INSTALL_MARKS = [".package-lock.json", ".modules.yaml", ".yarn-state.yml"];

/** The specifier that esbuild could not resolve, or undefined when the message is about something else. */
export function unresolvedIn(message: string): string | undefined {
  return /^Could not resolve "([^"]+)"/.exec(message)?.[1];
}

/** Absolute paths to watch: `importer` is the file that imports `specifier`. */
export function pathsThatWouldMend(rootDir: string, importer: string, specifier: string): string[] {
  if (/^\.{0,2}\//.test(specifier)) return fileCandidates(resolve(dirname(importer), specifier));
  if (packageNameOf(specifier) === undefined) return [];
  return INSTALL_MARKS.map((mark) => join(rootDir, "node_modules", mark));
}

function fileCandidates(path: string): string[] {
  const extension = extname(path);
  if (extension === ".js" || extension === ".mjs") return [path, path.replace(/js$/, "ts")];
  if (EXTENSIONS.includes(extension)) return [path];
  return [path, ...EXTENSIONS.map((end) => path + end), join(path, "index.ts"), join(path, "index.js")];
}
