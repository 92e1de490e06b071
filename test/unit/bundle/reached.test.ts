// Files that code reaches by its own place: run or read, in dev and in a build that lies elsewhere.
import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeError } from "../../../runtime/errors.ts";
import { type BundledProject, createBundledProject } from "../../support/bundled-project.ts";

let project: BundledProject;

beforeEach(() => {
  project = createBundledProject("reached ü-");
  // Nothing that Node alone could run.
  project.write("lib/enum.ts", `export enum Color { red = "red" }`);
  project.write(
    "handlers/_workers/w.ts",
    `import { parentPort } from "node:worker_threads"; import { Color } from "../../lib/enum";
     parentPort!.postMessage(Color.red as string);`,
  );
  project.write("lib/data.json", `{ "k": "v" }`);
  project.write("lib/texts/a.html", "<p>a</p>");
  project.write("lib/q.ts", `import { Color } from "./enum"; export const q: string = Color.red;`);
});

afterEach(() => project.remove());

const ANSWER = `
  import { once } from "node:events"; import { Worker } from "node:worker_threads";
  const answer = async (worker) => { const [said] = await once(worker, "message"); await worker.terminate(); return said; };`;

const ways = [
  { way: "dev", run: (file: Parameters<BundledProject["inDev"]>[0]) => project.inDev(file) },
  { way: "a build", run: (file: Parameters<BundledProject["inDev"]>[0]) => project.inBuild(file) },
];

describe.each(ways)("in $way", ({ run }) => {
  function written(content: string, path?: string) {
    const file = project.handler("a");
    project.write(path ?? file.displayPath, content);
    return run(file);
  }

  test("a TypeScript worker runs, however its place is written", async () => {
    const content = `${ANSWER} import path, { join } from "node:path"; import { fileURLToPath } from "node:url";
      const name = fileURLToPath(import.meta.url);
      const here = path.dirname(name);
      export default () => Promise.all([
        new Worker(new URL("./_workers/w.ts", import.meta.url)),
        new Worker(new URL(\`./_workers/w.js\`, import.meta.url)),
        new Worker(join(import.meta.dirname, "_workers", "w.ts")),
        new Worker(path.resolve(__dirname, "_workers/w.ts")),
        new Worker(path.resolve(here, "_workers/w.ts")),
        new Worker(import.meta.dirname + "/_workers/w.ts"),
        new Worker(\`\${import.meta.dirname}/_workers/w.ts\`),
        new Worker(fileURLToPath(import.meta.resolve("./_workers/w.ts"))),
        new Worker(require.resolve("./_workers/w.ts")),
      ].map(answer));`;
    expect(await written(content)).toEqual(Array(9).fill("red"));
  });

  test("a place that is found in several steps is the place", async () => {
    project.write("data/words.txt", "words");
    const content = `${ANSWER} import path, { dirname, join } from "node:path"; import { fileURLToPath } from "node:url";
      import { createRequire } from "node:module"; import { readFileSync } from "node:fs";
      const { dirname: handlers } = import.meta;
      const here = import.meta.url;
      const root = path.resolve(path.dirname(fileURLToPath(here)), "..");
      const data = new URL("../data/", here);
      const workers = join(root, "handlers", "_workers");
      const find = createRequire(here);
      const read = (path) => readFileSync(path, "utf8");
      export default async () => [
        read(join(dirname(fileURLToPath(import.meta.url)), "../data/words.txt")),
        read(join(dirname(import.meta.dirname), "data", "words.txt")),
        read(join(fileURLToPath(new URL("..", import.meta.url)), "data/words.txt")),
        read(join(root, "data", "words.txt")),
        read(\`\${root}/data/words.txt\`),
        read(new URL("words.txt", data)),
        read(join(handlers, "../data/words.txt")),
        read(find.resolve("../data/words.txt")),
        await answer(new Worker(join(workers, "w.ts"))),
        await answer(new Worker(find.resolve("./_workers/w.ts"))),
      ];`;
    expect(await written(content)).toEqual([...Array(8).fill("words"), "red", "red"]);
  });

  test("a name holds a place only in the block that declares it", async () => {
    project.write("data/words.txt", "words");
    project.write("other/words.txt", "other words");
    const content = `import { join } from "node:path"; import { readFileSync } from "node:fs";
      const read = (path) => readFileSync(path, "utf8");
      function ours() { const dir = join(import.meta.dirname, "../data"); const shown = \`{ \${[dir].map((d) => \`}\${d}\`)} /\`;
        return [read(join(dir, "words.txt")), /[}/]}/.test("}}"), shown.slice(0, 3)]; }
      function theirs(dir) { return read(join(dir, "words.txt")); }
      const arrow = (dir) => read(join(dir, "words.txt"));
      export default () => [...ours(), ...[theirs, arrow].map((one) => one(join(import.meta.dirname, "../other")))];`;
    expect(await written(content)).toEqual(["words", true, "{ }", "other words", "other words"]);
  });

  test("a name that is given its place later holds it, and one that is given another place is left to run", async () => {
    project.write("data/words.txt", "words");
    project.write("handlers/words.txt", "other words");
    project.write("handlers/own/words.txt", "own words");
    const content = `import { join } from "node:path"; import { readFileSync } from "node:fs";
      let later;
      later = join(import.meta.dirname, "../data");
      let here = import.meta.dirname;
      here = join(here, "own");
      export default () => [later, here].map((at) => readFileSync(join(at, "words.txt"), "utf8"))
        .concat(readFileSync(join(later, "words.txt"), "utf8"), readFileSync(join(here, "words.txt"), "utf8"));`;
    expect(await written(content)).toEqual(["words", "own words", "words", "own words"]);
  });

  test("a module that is imported by its URL runs", async () => {
    expect(
      await written(`export default async () => (await import(new URL("../lib/q.ts", import.meta.url).href)).q;`),
    ).toBe("red");
  });

  test("a file that runs itself as a worker does", async () => {
    const content = `${ANSWER} import { isMainThread, parentPort } from "node:worker_threads"; enum E { a = "itself" }
      if (!isMainThread) parentPort!.postMessage(E.a);`;
    expect(await written(`${content} export default () => answer(new Worker(new URL(import.meta.url)));`)).toBe(
      "itself",
    );
    expect(await written(`${content} export default () => answer(new Worker(import.meta.filename));`)).toBe("itself");
  });

  test("a shared module that runs itself, and a worker that runs another", async () => {
    project.write(
      "lib/pool.ts",
      `${ANSWER} import { isMainThread, parentPort } from "node:worker_threads"; enum E { a = "shared" }
       if (!isMainThread) answer(new Worker(new URL("../handlers/_workers/w.ts", import.meta.url))).then((said) => parentPort!.postMessage([E.a, said]));
       export const run = () => answer(new Worker(new URL("./pool.ts", import.meta.url)));`,
    );
    expect(await written(`import { run } from "../lib/pool.ts"; export default run;`)).toEqual(["shared", "red"]);
  });

  test("data is read where it is named, required JSON included", async () => {
    expect(
      await written(`import { createRequire } from "node:module"; import { readFile } from "node:fs/promises"; import { join } from "node:path";
        const rq = createRequire(import.meta.url); const require = createRequire(import.meta.url); const which = ["a"].at(0);
        export default async () => [rq("../lib/data.json").k, createRequire(import.meta.url)("../lib/data.json").k, require("../lib/data.json").k,
          await readFile(new URL("../lib/texts/a.html", import.meta.url), "utf8"), await readFile(join(import.meta.dirname, "../lib/texts", "a.html"), "utf8"),
          await readFile(new URL(\`../lib/texts/\${which}.html\`, import.meta.url), "utf8")];`),
    ).toEqual(["v", "v", "v", "<p>a</p>", "<p>a</p>", "<p>a</p>"]);
  });

  test("code that is read is the source, and texts that look like a mention stay", async () => {
    expect(
      await written(`import { readFileSync } from "node:fs"; import { dirname, join } from "node:path"; import { fileURLToPath } from "node:url";
        const here = dirname(fileURLToPath(import.meta.url));
        export default () => [readFileSync(new URL("../lib/enum.ts", import.meta.url), "utf8"), 'new Worker(join(here, "_workers/w.ts"))',
          \`join(here, "_workers/w.ts") new URL("./_workers/w.ts", import.meta.url)\`, /join\\(here, "_workers\\/w.ts"\\)/.source, join(here, "x").endsWith("handlers/x")];`),
    ).toEqual([
      `export enum Color { red = "red" }`,
      'new Worker(join(here, "_workers/w.ts"))',
      'join(here, "_workers/w.ts") new URL("./_workers/w.ts", import.meta.url)',
      'join\\(here, "_workers\\/w.ts"\\)',
      true,
    ]);
  });

  test("a package that is required by its place is there", async () => {
    project.addPackage("plain", { main: "i.js" }, { "i.js": `exports.a = require("below").b;` });
    project.addPackage("below", { main: "i.js" }, { "i.js": "exports.b = 7;" });
    project.write("node_modules/plain/package.json", `{"name":"plain","main":"i.js","dependencies":{"below":"*"}}`);
    expect(
      await written(`import { createRequire } from "node:module"; const rq = createRequire(import.meta.url);
        export default () => rq("plain").a;`),
    ).toBe(7);
  });

  test("a worker that is not there is an error with its line", async () => {
    await expect(
      written(
        `import { Worker } from "node:worker_threads";\nexport default () => new Worker(new URL("./_nope.ts", import.meta.url));`,
      ),
    ).rejects.toThrow(/"\.\/_nope\.ts" names a file that is not there \(handlers\/a\.ts:2:/);
  });

  test.each([
    `import * as threads from "node:worker_threads";\nexport default () => new threads.Worker("./handlers/_workers/w.ts");`,
    `import { Worker as Thread } from "node:worker_threads";\nexport default () => new Thread("./handlers/_workers/w.ts");`,
    `import { fork } from "node:child_process";\nexport default () => fork("./handlers/_workers/w.ts");`,
  ])("a worker that starts from where the process runs is refused with its line: %s", async (content) => {
    await expect(written(content)).rejects.toThrow(
      /"\.\/handlers\/_workers\/w\.ts" is looked for from the folder .*a\.ts:2.*Write it from this file's place: `new URL\("\.\/w\.ts", import\.meta\.url\)`/s,
    );
  });

  test("a text that only looks like a worker, and a queue of that name, stay", async () => {
    const content = `class QueueWorker { constructor(name) { this.name = name; } }
      const said = 'new Worker("./x.js"), fork("./y.js")';
      export default () => [said, new QueueWorker("mail").name];`;
    expect(await written(content)).toEqual([`new Worker("./x.js"), fork("./y.js")`, "mail"]);
  });
});

test.each([
  [
    `const name = String(process.pid);\nexport default () => new Worker(new URL(name, import.meta.url));`,
    /only known when it runs.*a\.ts:3/s,
  ],
  [
    `const name = String(process.pid);\nexport default () => import(new URL(\`./plugins/\${name}.ts\`, import.meta.url).href);`,
    /only known when it runs.*a\.ts:3/s,
  ],
  [
    `const rq = createRequire(import.meta.url);\nexport default () => rq("../lib/old.cjs");`,
    /"\.\.\/lib\/old\.cjs" is code.*a\.ts:3.*Import it/s,
  ],
])("a build refuses, with the line, what it cannot have: %s", async (content, told) => {
  project.write("lib/old.cjs", "module.exports = 1;");
  const file = project.handler("a");
  project.write(
    file.displayPath,
    `import { Worker } from "node:worker_threads"; import { createRequire } from "node:module";\n${content}`,
  );
  const { result } = await project.pack(file);
  expect(result.ok ? "" : describeError(result.error)).toMatch(told);
});

test("a build tells of a place that is another by the time it is used", async () => {
  const file = project.handler("a");
  const content = `import { join } from "node:path"; import { readFileSync } from "node:fs";
let here = import.meta.dirname;
if (process.env.OTHER) here = join(here, "own");
export default () => readFileSync(join(here, "words.txt"), "utf8");`;
  project.write(file.displayPath, content);
  const { result } = await project.pack(file);
  const warnings = result.ok ? result.warnings.map((one) => describeError(one)) : [];
  expect(warnings.join()).toMatch(/only known when it runs.*a\.ts:4/s);
});

test("a save of a worker's file is a save of the handler, and its module goes with the handler's", async () => {
  const file = project.handler("a");
  project.write(
    file.displayPath,
    `import { Worker } from "node:worker_threads"; export default () => new Worker(new URL("./_workers/w.ts", import.meta.url));`,
  );
  const first = await project.bundler.build(file);
  if (!first.ok) throw first.error;
  expect(first.bundle.inputs).toEqual(
    expect.arrayContaining([`${project.root}/handlers/_workers/w.ts`, `${project.root}/lib/enum.ts`]),
  );
  project.write("lib/enum.ts", `export enum Color { red = "blue" }`);
  const second = await project.bundler.build(file);
  if (!second.ok) throw second.error;
  expect(second.bundle.version).not.toBe(first.bundle.version);
  const [companion] = first.bundle.companions;
  expect(existsSync(companion!.path)).toBe(true);
  await project.bundler.retire(first.bundle);
  expect(existsSync(companion!.path)).toBe(false);
  expect(existsSync(second.bundle.companions[0]!.path)).toBe(true);
});
