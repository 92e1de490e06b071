// The program of a group: one module that has each of its handlers, and what they import of the project's own once for all of
// them. So a pool that `lib/db.ts` opens is one pool, as it would be in a program that is written by hand.
//
// A handler is evaluated when it is asked for, and not before: one that throws does no harm to the others.

import type { HandlerFile } from "../discover/handler-file.ts";
import type { Bundle } from "./bundle.ts";

const PREFIX = "@group/";

/** As what it is built and kept. No handler has such a name. */
export function programName(group: string): string {
  return `${PREFIX}${group}`;
}

export function isProgram({ handler }: Bundle): boolean {
  return handler.startsWith(PREFIX);
}

/** In the order of their names, whatever order they were found in. */
export function groupProgram(files: readonly HandlerFile[]): string {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const members = sorted.map(({ name, path }) => `  ${JSON.stringify(name)}: () => import(${JSON.stringify(path)}),\n`);
  return `export const members = {\n${members.join("")}};\n`;
}
