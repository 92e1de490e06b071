// `handlers list` remembers what it found: handlers are evaluated again where anything has changed that they depend on, and
// where nobody can know. Each of these handlers tells its name when it is evaluated, which goes to stderr.
// @module-tag any-server

import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { createProject, type TestProject } from "../support/project.ts";

let project: TestProject;
afterEach(() => project.end());

/** Name to text; what begins with "->" is a link, and null is taken away. */
type Files = Readonly<Record<string, string | null>>;

function handler(name: string, subject: string, first = ""): string {
  return `${first}
    console.log("evaluated ${name}");
    export const metadata = { subject: ${subject} };
    export default async () => {};`;
}

function lay(folder: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    if (text?.startsWith("->")) symlinkSync(text.slice(2), path);
    else if (text !== null) writeFileSync(path, text);
  }
}

interface Listed {
  /** Subject, or code of the error, by handler. */
  readonly answers: Readonly<Record<string, string>>;
  /** Names of those that were evaluated. */
  readonly evaluated: readonly string[];
}

async function listed(env: Record<string, string | undefined> = {}, cwd = project.rootDir): Promise<Listed> {
  const { stdout, stderr } = await runCli(["list", "--json"], { cwd, env });
  const { handlers } = JSON.parse(stdout) as {
    handlers: { name: string; subject?: string; error?: { code: string } }[];
  };
  const answers = handlers.map(({ name, subject, error }) => [name, subject ?? error?.code]);
  const evaluated = [...stderr.matchAll(/^evaluated (.*)$/gm)].map(([, name]) => name!);
  return { answers: Object.fromEntries(answers), evaluated: [...new Set(evaluated)].sort() };
}

interface Change {
  /** Below a folder of its own in `handlers/`; a.ts is the handler. */
  readonly files: Files;
  readonly change: Files;
  readonly after?: string;
}

const IMPORTS = `import { NAME } from`;
const ONE = `export const NAME = "one";`;
const TWO = `export const NAME = "two";`;
const WORDS = "node_modules/words";
const MANIFEST = `{ "name": "words", "version": "1.0.0", "main": "a.js" }`;
const ALIASED = handler("NAME_OF_IT", "NAME", `${IMPORTS} "@/name";`);
const aliasTo = (folder: string) => `{ "compilerOptions": { "paths": { "@/*": ["${folder}/*"] } } }`;
const wordsOf = (text: string) => ({ "package.json": MANIFEST, "a.js": `module.exports = "${text}";` });
const at = (folder: string, files: Files) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
const OF_PACKAGE = { "a.ts": handler("NAME_OF_IT", "words", `import words from "words";`) };

const CHANGES: Readonly<Record<string, Change>> = {
  itself: { files: { "a.ts": handler("NAME_OF_IT", `"one"`) }, change: { "a.ts": handler("NAME_OF_IT", `"two"`) } },
  "shared-module": {
    files: { "a.ts": handler("NAME_OF_IT", "NAME", `${IMPORTS} "./_name";`), "_name.ts": ONE },
    change: { "_name.ts": TWO },
  },
  "found-first": {
    files: { "a.ts": handler("NAME_OF_IT", "NAME", `${IMPORTS} "./_name";`), "_name/index.ts": ONE },
    change: { "_name.ts": TWO },
  },
  "source-of-js": {
    files: { "a.ts": handler("NAME_OF_IT", "NAME", `${IMPORTS} "./_name.js";`), "_name.ts": ONE },
    change: { "_name.js": TWO },
  },
  "file-gone": {
    files: { "a.ts": handler("NAME_OF_IT", "NAME", `${IMPORTS} "./_name";`), "_name.ts": ONE },
    change: { "_name.ts": null },
    after: "BUNDLE_FAILED",
  },
  alias: {
    files: { "a.ts": ALIASED, "_one/name.ts": ONE, "_two/name.ts": TWO, "tsconfig.json": aliasTo("./_one") },
    change: { "tsconfig.json": aliasTo("./_two") },
  },
  "alias-behind-extends": {
    files: {
      "a.ts": ALIASED,
      "_one/name.ts": ONE,
      "_two/name.ts": TWO,
      "tsconfig.json": `{ "extends": "./_base.json" }`,
      "_base.json": aliasTo("./_one"),
    },
    change: { "_base.json": aliasTo("./_two") },
  },
  "nearer-tsconfig": {
    files: { "in/a.ts": ALIASED, "_one/name.ts": ONE, "_two/name.ts": TWO, "tsconfig.json": aliasTo("./_one") },
    change: { "in/tsconfig.json": aliasTo("../_two") },
  },
  "package-import": {
    files: {
      "a.ts": handler("NAME_OF_IT", "NAME", `${IMPORTS} "#name";`),
      "_one.ts": ONE,
      "_two.ts": TWO,
      "package.json": `{ "type": "module", "imports": { "#name": "./_one.ts" } }`,
    },
    change: { "package.json": `{ "type": "module", "imports": { "#name": "./_two.ts" } }` },
  },
  "package-by-hand": {
    files: { ...OF_PACKAGE, ...at(WORDS, wordsOf("one")) },
    change: at(WORDS, wordsOf("two")),
  },
  "package-required": {
    files: {
      ...OF_PACKAGE,
      ...at(WORDS, { "package.json": MANIFEST, "a.js": `module.exports = require("./b");` }),
      ...at(WORDS, { "b.js": `module.exports = "one";` }),
    },
    change: at(WORDS, { "b.js": `module.exports = "two";` }),
  },
  "package-version": {
    files: { ...OF_PACKAGE, ...at(WORDS, { ...wordsOf("one"), "b.js": `module.exports = "two";` }) },
    change: at(WORDS, { "package.json": `{ "name": "words", "version": "1.0.1", "main": "b.js" }` }),
  },
  "package-nearer": {
    files: { ...at("in", OF_PACKAGE), ...at(WORDS, wordsOf("one")) },
    change: at(`in/${WORDS}`, wordsOf("two")),
  },
  "package-linked": {
    files: {
      "a.ts": handler("NAME_OF_IT", "NAME", `${IMPORTS} "words";`),
      ...at("_one", { "package.json": `{ "name": "words", "exports": "./a.js", "type": "module" }`, "a.js": ONE }),
      ...at("_two", { "package.json": `{ "name": "words", "exports": "./a.js", "type": "module" }`, "a.js": TWO }),
      [WORDS]: "->../_one",
    },
    change: { [WORDS]: "->../_two" },
  },
};

it("what has not changed is answered as before, and what has in any way is evaluated again", async () => {
  project = createProject();
  for (const [name, { files }] of Object.entries(CHANGES)) {
    const named = Object.entries(files).map(([file, text]) => [file, text?.replace("NAME_OF_IT", name) ?? null]);
    lay(project.path(name), Object.fromEntries(named));
  }
  project.write("declares-env.ts", handler("declares-env", "process.env.NAME", "").replace("{", `{ env: ["NAME"],`));
  project.write("stays.ts", handler("stays", `"one"`, `import * as z from "zod"; z.string();`));
  const first = await listed({ NAME: "one" });
  expect(new Set(Object.values(first.answers))).toEqual(new Set(["one"]));
  expect(await listed({ NAME: "one" })).toEqual({ answers: first.answers, evaluated: [] });

  for (const [name, { change }] of Object.entries(CHANGES)) {
    const named = Object.entries(change).map(([file, text]) => [file, text?.replace("NAME_OF_IT", name) ?? null]);
    lay(project.path(name), Object.fromEntries(named));
  }
  const after = Object.keys(first.answers).map((name) => [name, CHANGES[name.split("/")[0]!]?.after ?? "two"]);
  const expected = { ...Object.fromEntries(after), stays: "one" };
  expect(await listed({ NAME: "two" })).toMatchObject({ answers: expected });
  expect((await listed({ NAME: "two" })).evaluated).toEqual([]);
});

const UNKNOWN: Readonly<Record<string, string>> = {
  "reads-a-file": handler(
    "reads-a-file",
    `readFileSync(new URL(import.meta.url)).length > 0 ? "one" : ""`,
    `import { readFileSync } from "node:fs";`,
  ),
  "asks-for-the-time": handler("asks-for-the-time", `Date.now() > 0 ? "one" : ""`),
  "makes-a-date": handler("makes-a-date", `new Date().getTime() > 0 ? "one" : ""`),
  "throws-dice": handler("throws-dice", `Math.random() < 2 ? "one" : ""`),
  "asks-the-process": handler("asks-the-process", `process.uptime() > 0 ? "one" : ""`),
  "asks-by-hand": handler("asks-by-hand", `process.getBuiltinModule("node:os").hostname() ? "one" : ""`),
  "asks-the-network": handler("asks-the-network", `typeof fetch === "function" ? "one" : ""`),
  "makes-an-id": handler("makes-an-id", `crypto.randomUUID() ? "one" : ""`),
  "changes-the-process": handler("changes-the-process", `"one"`, "globalThis.mine = 1;"),
  "leaves-a-timer": handler("leaves-a-timer", `"one"`, "setInterval(() => {}, 1_000);"),
  "is-warned-of": handler("is-warned-of", `"one"`, `if (typeof metadata === "strin") console.log(1);`),
  "misses-a-package": handler(
    "misses-a-package",
    `word`,
    `let word = "one"; try { word = require("lacking"); } catch {}`,
  ),
  "loads-what-asks": handler("loads-what-asks", `started.length > 0 ? "one" : ""`, `import started from "asks";`),
  "loads-it-as-well": handler("loads-it-as-well", `started.length > 0 ? "one" : ""`, `import started from "asks";`),
  "loads-what-reads": handler("loads-what-reads", "reads", `import reads from "reads";`),
};
const PACKAGES: Files = {
  "node_modules/asks/package.json": `{ "name": "asks", "main": "a.js" }`,
  "node_modules/asks/a.js": "module.exports = String(Date.now());",
  "node_modules/reads/package.json": `{ "name": "reads", "main": "a.js" }`,
  "node_modules/reads/a.js": `require("fs"); module.exports = "one";`,
};

it("what nobody can know is evaluated each time", async () => {
  project = createProject(Object.fromEntries(Object.entries(UNKNOWN).map(([name, text]) => [`${name}.ts`, text])));
  project.write("known.ts", handler("known", `"one"`));
  project.write("fails.ts", handler("fails", `"one"`, `throw new Error("not today");`));
  lay(project.rootDir, PACKAGES);
  const names = Object.keys(UNKNOWN).sort();
  const first = await listed();
  expect(first.evaluated).toEqual([...names, "known"].sort());
  expect(first.answers).toEqual({
    ...Object.fromEntries([...names, "known"].map((name) => [name, "one"])),
    fails: "HANDLER_LOAD_FAILED",
  });
  expect(await listed()).toEqual({ answers: first.answers, evaluated: names });
});

it("what is kept goes for one place, environment and configuration, and may be broken", async () => {
  project = createProject({ "a.ts": handler("a", "process.env.NODE_ENV") });
  const kept = join(project.rootDir, ".handlers/recall.json");
  const evaluated = { answers: { a: "one" }, evaluated: ["a"] };
  const recalled = { answers: { a: "one" }, evaluated: [] };
  expect(await listed({ NODE_ENV: "one" })).toEqual(evaluated);
  expect(await listed({ NODE_ENV: "one" })).toEqual(recalled);
  expect(await listed({ NODE_ENV: "two" })).toEqual({ answers: { a: "two" }, evaluated: ["a"] });
  expect(await listed({ NODE_ENV: "one" })).toEqual(evaluated);
  const whole = readFileSync(kept, "utf8");
  for (const text of ["", whole.slice(0, 40), "null", whole.replace('"format":1', '"format":9'), `{"format":1}`]) {
    writeFileSync(kept, text);
    expect(await listed({ NODE_ENV: "one" })).toEqual(evaluated);
  }
  lay(project.rootDir, { "handlers.config.ts": `export default { defaults: { timeout: "5s" } };` });
  expect(await listed({ NODE_ENV: "one" })).toEqual(evaluated);
  lay(project.rootDir, { "handlers.config.ts": `export default { preload: ["./first.ts"] };`, "first.ts": "" });
  expect(await listed({ NODE_ENV: "one" })).toEqual(evaluated);
  expect(await listed({ NODE_ENV: "one" })).toEqual(evaluated);
  lay(project.rootDir, { "handlers.config.ts": null });
  project.rename("a.ts", "b.ts");
  expect(await listed({ NODE_ENV: "one" })).toEqual({ answers: { b: "one" }, evaluated: ["a"] });
  const moved = join(dirname(project.rootDir), "moved");
  mkdirSync(moved);
  renameSync(project.rootDir, join(moved, "project"));
  const there = await listed({ NODE_ENV: "one" }, join(moved, "project"));
  renameSync(join(moved, "project"), project.rootDir);
  rmSync(moved, { recursive: true });
  expect(there).toEqual({ answers: { b: "one" }, evaluated: ["a"] });
});

it("`check` looks at everything anew", async () => {
  project = createProject({ "a.ts": handler("a", `"one"`) });
  await listed();
  const { stderr } = await runCli(["check"], { cwd: project.rootDir });
  expect(stderr).toContain("evaluated a");
});
