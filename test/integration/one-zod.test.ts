// Workers load zod in fewer files than it has. Nobody can tell, but by the clock.
// @module-tag any-server

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { runCli, startCli } from "../support/cli-process.ts";
import { createProject, fixture, type TestProject } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const COLORS = `
import { z } from "zod";
import { de } from "zod/locales";
export const color = z.enum(["red", "blue"]).meta({ id: "color" });
export const colorError = (text) => color.safeParse(text).error;
export const speakGerman = () => z.config(de());
`;

function projectWithColors(): TestProject {
  const project = createProject();
  onTestFinished(() => project.end());
  project.installZod();
  const colors = join(project.rootDir, "node_modules", "colors");
  mkdirSync(colors);
  writeFileSync(
    join(colors, "package.json"),
    JSON.stringify({ name: "colors", type: "module", exports: "./index.js" }),
  );
  writeFileSync(join(colors, "index.js"), COLORS);
  project.write("zod.ts", fixture("one-zod.ts"));
  return project;
}

const ONE = {
  isOne: true,
  hasOneCore: true,
  accepts: { color: "red", coats: 2 },
  isType: true,
  isError: true,
  mixesMini: false,
  schema: { $defs: { color: { enum: ["red", "blue"] } }, properties: { color: { $ref: "#/$defs/color" } } },
  english: "Invalid input: expected number, received string",
  german: expect.stringContaining("Ungültige Eingabe"),
  tree: { tree: { below: [{ below: [] }] } },
  // It is indeed loaded so.
  stack: expect.stringContaining("zod-classic.mjs"),
};

it("a handler and the packages it imports have one zod, by whatever name they import it", async () => {
  await stage.start({ project: projectWithColors() });
  expect((await stage.client.ask("zod", { color: "red" })).value).toMatchObject(ONE);
});

it("the same in a build", async () => {
  expect(await answerOf(projectWithColors(), "zod", { color: "red" })).toMatchObject(ONE);
});

it("in a build where nothing else is imported of zod, all handlers share one module, which is there before them", async () => {
  const project = projectWithColors();
  project.remove("zod.ts");
  project.write("greet.ts", GREET);
  expect(await answerOf(project, "greet", { name: "Ann" })).toMatchObject({
    name: "Ann",
    german: expect.stringContaining("Ungültige Eingabe"),
    stack: expect.stringContaining("build/runtime/zod-classic.mjs"),
  });
  expect(existsSync(join(project.rootDir, "build/runtime/zod-locales.mjs"))).toBe(false);
});

const GREET = `
import { z } from "zod";
export const metadata = { subject: "greet", kind: "request", schema: z.object({ name: z.string() }) };
const throwing = z.string().transform(() => {
  throw new Error("from within");
});
export default async ({ name }) => {
  z.config(z.locales.de());
  const german = z.string().safeParse(1).error.issues[0].message;
  const { stack } = await throwing.parseAsync("").catch((error) => error);
  return { name, german, stack };
};`;

/** Of its build. */
async function answerOf(project: TestProject, ...asked: [subject: string, payload: unknown]): Promise<unknown> {
  const cwd = project.rootDir;
  expect(await runCli(["build"], { cwd })).toMatchObject({ code: 0 });
  const env = { NATS_URL: stage.server.url };
  const app = startCli(["start"], { cwd, env, bin: join(cwd, "build/handlers.mjs") });
  await app.printed(/"event":"runtime\.ready"/);
  const { value } = await stage.client.ask(...asked);
  app.child.kill("SIGTERM");
  await app.ended;
  return value;
}
