#!/usr/bin/env node
// Runs on any Node from 14 on, so that an old one gets a line it can act on instead of a syntax error.

import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const NEEDED = [22, 22];

function isOldNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1]);
}

if (isOldNode()) {
  const remedy =
    'Install a newer one (https://nodejs.org), or add it to the project: "npm install --save-dev node@24".';
  console.error(
    `NODE_TOO_OLD: nats-handlers needs Node.js ${NEEDED.join(".")} or newer; this is ${process.versions.node} (${process.execPath}).\n${remedy}`,
  );
  process.exitCode = 2;
} else {
  // Keeps the compiled sources in the system's folder for temporary files: commands then start in half the time.
  if (module.enableCompileCache !== undefined) module.enableCompileCache();
  // A clone runs its sources; an installed package, below node_modules, cannot and brings them built.
  const source = new URL("../runtime/main.ts", import.meta.url);
  const main = existsSync(fileURLToPath(source)) ? source : new URL("../dist/runtime/main.js", import.meta.url);
  import(main.href).catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
