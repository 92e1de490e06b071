// How esbuild makes the programs of a build: modules for Node that need no packages beside them.

import type { BuildOptions } from "esbuild";

export const PROGRAM_OPTIONS = {
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
  target: "node22",
  conditions: [],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  logLevel: "silent",
} as const satisfies BuildOptions;
