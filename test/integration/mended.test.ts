// What mends a handler that does not come up is followed: it serves without being saved once more.
// @module-tag any-server

import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createProject, type TestProject } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

interface Mending {
  readonly what: string;
  /** What the handler imports its answer from, or its whole text. */
  readonly from: string;
  /** What is there before, by its path from the root. */
  readonly before?: Readonly<Record<string, string>>;
  readonly prepare?: (top: Top) => void;
  readonly mend: (top: Top) => void;
  /** The project lies below the folder in which the package manager is run. */
  readonly isMember?: true;
}

/** The folder in which the package manager is run. */
interface Top {
  write(path: string, text: string): void;
  link(path: string, to: string): void;
  remove(path: string): void;
}

const ANSWER = `export const answer: string = "mended";`;
const PLAIN = `export const answer = "mended";`;
const json = (value: object) => JSON.stringify(value);
const paths = (to: Readonly<Record<string, string[]>>, more: object = {}) =>
  json({ ...more, compilerOptions: { paths: to } });
const installed = (name: string) => json({ name, version: "1.0.0", type: "module", exports: "./index.js" });
const asking = (from: string) => `import { answer } from "${from}";
export const metadata = { subject: "ask", kind: "request" };
export default () => answer;`;

const MENDINGS: readonly Mending[] = [
  {
    what: "a folder that `paths` of tsconfig.json name is made",
    from: "@lib/words/answer",
    before: { "tsconfig.json": paths({ "@lib/*": ["./src/lib/*"] }) },
    mend: ({ write }) => write("src/lib/words/answer.ts", ANSWER),
  },
  {
    what: "a folder below `baseUrl` is made",
    from: "words/answer",
    before: { "tsconfig.json": json({ compilerOptions: { baseUrl: "./src" } }) },
    mend: ({ write }) => write("src/words/answer.ts", ANSWER),
  },
  {
    what: "a folder that `imports` of package.json name is made",
    from: "#words/answer",
    before: { "package.json": json({ type: "module", imports: { "#words/*": { default: "./src/words/*.ts" } } }) },
    mend: ({ write }) => write("src/words/answer.ts", ANSWER),
  },
  {
    what: "package.json gets its `imports`",
    from: "#answer",
    before: { "src/answer.ts": ANSWER },
    mend: ({ write }) => write("package.json", json({ type: "module", imports: { "#answer": "./src/answer.ts" } })),
  },
  {
    what: "tsconfig.json is made",
    from: "@/answer",
    before: { "src/answer.ts": ANSWER },
    mend: ({ write }) => write("tsconfig.json", paths({ "@/*": ["./src/*"] })),
  },
  {
    what: "a tsconfig behind `extends` gets its `paths`",
    from: "@/answer",
    before: {
      "src/answer.ts": ANSWER,
      "tsconfig.json": json({ extends: "./config/base.json" }),
      "config/base.json": "{}",
    },
    mend: ({ write }) => write("config/base.json", paths({ "@/*": ["../src/*"] })),
  },
  {
    what: "a tsconfig behind two `extends` is made",
    from: "@/answer",
    before: {
      "src/answer.ts": ANSWER,
      "tsconfig.json": json({ extends: "./config/base.json" }),
      "config/base.json": json({ extends: ["./shared/paths"] }),
    },
    mend: ({ write }) => write("config/shared/paths.json", paths({ "@/*": ["../../src/*"] })),
  },
  {
    what: "npm installs the first package",
    from: "answers",
    prepare: ({ remove }) => remove("node_modules"),
    mend({ write }) {
      write("node_modules/answers/package.json", installed("answers"));
      write("node_modules/answers/index.js", PLAIN);
      write("node_modules/.package-lock.json", "{}");
    },
  },
  {
    what: "npm installs the first packages of a workspace",
    from: "@acme/answers",
    isMember: true,
    before: { "packages/answers/package.json": installed("@acme/answers"), "packages/answers/index.js": PLAIN },
    mend({ write, link }) {
      link("node_modules/@acme/answers", "packages/answers");
      write("node_modules/.package-lock.json", "{}");
    },
  },
  {
    what: "pnpm installs the first packages of a workspace",
    from: "answers",
    isMember: true,
    mend({ write, link }) {
      const store = "node_modules/.pnpm/answers@1.0.0/node_modules/answers";
      write(`${store}/package.json`, installed("answers"));
      write(`${store}/index.js`, PLAIN);
      link("apps/orders/node_modules/answers", store);
      write("node_modules/.modules.yaml", "{}");
    },
  },
  {
    what: "the package that a package lacks is installed",
    from: "answers",
    before: {
      "node_modules/answers/package.json": installed("answers"),
      "node_modules/answers/index.js": `export { answer } from "needed";`,
    },
    mend({ write }) {
      write("node_modules/needed/package.json", installed("needed"));
      write("node_modules/needed/index.js", PLAIN);
      write("node_modules/.package-lock.json", "{}");
    },
  },
  {
    what: "a workspace package is built, which names its file by `main`",
    from: "@acme/answers",
    isMember: true,
    before: { "packages/answers/package.json": json({ name: "@acme/answers", type: "module", main: "dist/main" }) },
    prepare: ({ link }) => link("node_modules/@acme/answers", "packages/answers"),
    mend: ({ write }) => write("packages/answers/dist/main.js", PLAIN),
  },
  {
    what: "a workspace package is built, one file after the other, which names them by a pattern",
    from: "@acme/answers/words/answer",
    isMember: true,
    before: { "packages/answers/package.json": json({ type: "module", exports: { "./*": "./dist/*.js" } }) },
    prepare: ({ link }) => link("node_modules/@acme/answers", "packages/answers"),
    mend({ write }) {
      write("packages/answers/dist/words/answer.js", `export { answer } from "../own/words.js";`);
      write("packages/answers/dist/own/words.js", PLAIN);
    },
  },
  {
    what: "a module that it imports exports what is asked of it",
    from: "../src/answer.ts",
    before: { "src/answer.ts": `export const other = 1;` },
    mend: ({ write }) => write("src/answer.ts", ANSWER),
  },
  {
    what: "a module between it and a mistake does without it",
    from: "../src/between.ts",
    before: { "src/between.ts": `export { answer } from "./answer.ts";`, "src/answer.ts": `export const answer = ` },
    mend: ({ write }) => write("src/between.ts", ANSWER),
  },
  {
    what: "a file that it reads at its top level is made",
    from: `import { readFileSync } from "node:fs";
      const answer = readFileSync(new URL("../words/answer.txt", import.meta.url), "utf8");
      export const metadata = { subject: "ask", kind: "request" };
      export default () => answer;`,
    mend: ({ write }) => write("words/answer.txt", "mended"),
  },
];

const projects: TestProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.end();
});

function topOf(project: TestProject, isMember: boolean): Top {
  const top = isMember ? join(project.rootDir, "../..") : project.rootDir;
  return {
    write: (path, text) => project.write(relative(project.handlersDir, join(top, path)), text),
    link(path, to) {
      mkdirSync(dirname(join(top, path)), { recursive: true });
      symlinkSync(join(top, to), join(top, path));
    },
    remove: (path) => rmSync(join(top, path), { recursive: true }),
  };
}

test.for(MENDINGS)("a handler serves when $what", async ({ from, before = {}, prepare, mend, isMember = false }) => {
  const project = createProject({}, isMember ? "apps/orders" : "");
  projects.push(project);
  const top = topOf(project, isMember);
  for (const [path, text] of Object.entries(before)) top.write(path, text);
  prepare?.(top);
  project.write("ask.ts", from.includes("\n") ? from : asking(from));
  const app = await stage.start({ project });
  await app.next("handler.failed", { handler: "ask" }, 0);
  await app.after(() => mend(top), "handler.serving", { handler: "ask" });
  expect((await stage.client.ask("ask")).value).toBe("mended");
});
