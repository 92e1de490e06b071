// What `preload` names runs in every handler's process before its handler; one mistake that many share is told once.
// @module-tag any-server

import { expect, it } from "vitest";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const asking = (subject: string) => `import { first } from "./_shared.ts";
export const metadata = { subject: "${subject}", kind: "request" };
export default () => [first, (globalThis as { instrumented?: string }).instrumented];`;

const SHARED = `export const first = (globalThis as { instrumented?: string }).instrumented;`;

it("a preload runs before its handler's own imports, and a save of it is followed", async () => {
  const app = await stage.start({
    handlers: { "a.ts": asking("a"), "_shared.ts": SHARED, "../instrument.ts": `globalThis.instrumented = "one";` },
    config: { preload: ["./instrument.ts"] },
  });
  expect((await stage.client.ask("a")).value).toEqual(["one", "one"]);
  const save = () => app.project.write("../instrument.ts", `globalThis.instrumented = "two";`);
  await app.after(save, "handler.serving", { handler: "a" });
  expect((await stage.client.ask("a")).value).toEqual(["two", "two"]);
});

it("a mistake in a shared module is told once, with its place and the handlers it holds back", async () => {
  const names = Array.from({ length: 12 }, (_, at) => `h${at}`);
  const handlers = Object.fromEntries(names.map((name) => [`${name}.ts`, asking(name)]));
  const app = await stage.start({ handlers: { ...handlers, "_shared.ts": SHARED } });
  const spoil = () => app.project.write("_shared.ts", "export const first = ");
  const failed = await app.after(spoil, "handler.failed");
  expect(failed.error.place).toMatchObject({ file: "handlers/_shared.ts" });
  expect([failed.handler, ...(failed.others ?? [])].sort()).toEqual(names.toSorted());
  const mend = () => app.project.write("_shared.ts", SHARED);
  await app.after(mend, "handler.serving", { handler: "h11" });
  expect(app.told("handler.failed")).toHaveLength(1);
});

it("a warning of the compiler is told with its place, once for all handlers that share it", async () => {
  const odd = `${SHARED} export const odd = { twice: 1, twice: 2 };`;
  const app = await stage.start({ handlers: { "a.ts": asking("a"), "b.ts": asking("b"), "_shared.ts": odd } });
  const warnings = app.told("handler.warned").map(({ warning }) => warning.place?.file);
  expect(warnings).toEqual(["handlers/_shared.ts"]);
});
