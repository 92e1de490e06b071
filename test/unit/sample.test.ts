// The sample's handlers, as an author would test them: with the test kit alone, on a real database.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runHandler } from "nats-handlers/testing";
import { afterEach, beforeEach, expect, it } from "vitest";
import * as audit from "../../handlers/todo/audit.ts";
import * as list from "../../handlers/todo/list.ts";
import * as mutate from "../../handlers/todo/mutate.ts";
import * as save from "../../handlers/todo/save.ts";

const milk = { id: "6f1c2a4e-3b5d-4c7e-8f90-a1b2c3d4e5f6", item: "  buy   milk " };
const here = process.cwd();
let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "todo-"));
  process.chdir(project);
});

afterEach(() => {
  process.chdir(here);
  rmSync(project, { recursive: true });
});

it("an item is saved, and that it is saved is told", async () => {
  const run = await runHandler(save, milk);
  expect(run.settlement).toEqual({ do: "ack" });
  expect(run.published).toMatchObject([{ subject: "todo.itemsaved", data: { id: milk.id } }]);
});

it("an item that comes twice is saved once, and told under one id", async () => {
  const runs = [await runHandler(save, milk), await runHandler(save, milk, { attempt: 2 })];
  expect(new Set(runs.flatMap(({ published }) => published.map(({ id }) => id))).size).toBe(1);
  expect((await runHandler(list, undefined)).reply?.items).toMatchObject([milk]);
});

it("the text of a saved item is tidied", async () => {
  await runHandler(save, milk);
  await runHandler(mutate, { id: milk.id });
  expect((await runHandler(list, { limit: 10 })).reply?.items).toMatchObject([{ id: milk.id, item: "Buy milk" }]);
});

it("an item that is not there is told, and not tried again", async () => {
  const run = await runHandler(mutate, { id: milk.id });
  expect(run).toMatchObject({ settlement: { do: "ack" }, logs: [{ level: "warn", fields: { id: milk.id } }] });
});

it("an empty text is refused before it reaches the database", async () => {
  const run = await runHandler(save, { ...milk, item: "" });
  expect(run).toMatchObject({ outcome: "invalid", settlement: { do: "dead-letter", reason: "invalid" } });
  expect((await runHandler(list, undefined)).reply?.items).toEqual([]);
});

it("everything that happens to to-dos is heard", async () => {
  const run = await runHandler(audit, { id: milk.id }, { subject: "todo.itemsaved" });
  expect(run.logs).toEqual([{ level: "info", message: "saw todo.itemsaved", fields: { event: { id: milk.id } } }]);
});
