// A module that many handlers import is saved again and again before all of them have the last save: the newest code is
// served at once, each handler has its turn, and what is superseded costs no process.
// @module-tag any-server

import { expect, it } from "vitest";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
const MANY = 16;
const AT_ONCE = 3;

const importer = (n: number) => `import { shared } from "./_shared.ts";
export const metadata = { subject: "many.${n}", kind: "request" };
export default () => shared;`;
const shared = (save: number) => `export const shared = ${save};`;

it("a shared module that is saved before all have the last save: each importer has its turn, and gets the newest code", async () => {
  const handlers = Object.fromEntries(Array.from({ length: MANY }, (_, n) => [`h${n}.ts`, importer(n)]));
  const app = await stage.start({ handlers: { "_shared.ts": shared(0), ...handlers } });
  const reloaded = new Set<string>();
  let saves = 0;
  for (; saves < 2 * Math.ceil(MANY / AT_ONCE) && reloaded.size < MANY; saves++) {
    const from = app.mark();
    app.project.write("_shared.ts", shared(saves + 1));
    const served = () => app.told("handler.serving", from).map(({ handler }) => handler);
    while (new Set(served()).size < AT_ONCE) await app.next("handler.serving", { why: "reload" });
    for (const handler of served()) reloaded.add(handler);
  }
  expect(reloaded.size).toBe(MANY);
  const values = async () =>
    Promise.all(Array.from({ length: MANY }, async (_, n) => (await stage.client.ask(`many.${n}`)).value));
  await expect.poll(values, { timeout: 30_000 }).toEqual(Array(MANY).fill(saves));
  // On a busy machine a worker that was superseded may be ended before it has gone by itself.
  expect(app.told("handler.failed").filter(({ error }) => error.code !== "HANDLER_THREW")).toEqual([]);
});
