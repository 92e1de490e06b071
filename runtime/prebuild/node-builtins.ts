// Node's own modules in the built runtime, taken without what Node does for an `import` of them: it then reads every
// export there is, and some load a good part of Node when they are read, as "node:http" does for WebSocket and "node:fs"
// for its streams. Here only what is used is read.
//
// Handlers' bundles keep their imports: what they import may be instrumented.

import type { Plugin } from "esbuild";

const NODE = /^node:/;
const NAMESPACE = "node-builtin";
const IDENTIFIER = /^[a-zA-Z_$][\w$]*$/;

export const nodeBuiltins: Plugin = {
  name: "nats-handlers:node-builtins",
  setup(hooks) {
    // A `require` does without that already.
    hooks.onResolve({ filter: NODE }, ({ path, kind }) =>
      kind === "require-call" ? { path, external: true } : { path, namespace: NAMESPACE, sideEffects: false },
    );
    hooks.onLoad({ filter: NODE, namespace: NAMESPACE }, ({ path }) => ({ contents: moduleOf(path) }));
  },
};

/** What is marked as pure goes when nobody imports it. */
function moduleOf(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => IDENTIFIER.test(name));
  return [
    `const node = /* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(path)});`,
    `const read = (name) => node[name];`,
    ...names.map((name) => `const ${name}_ = /* @__PURE__ */ read("${name}"); export { ${name}_ as ${name} };`),
    "export default node;",
  ].join("\n");
}
