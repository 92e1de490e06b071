import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HeldPlaces, type HeldPlacesOptions } from "../../../runtime/supervise/held-places.ts";
import { durable } from "../../support/stream-stage.ts";

let folder: string;
let held: string[];
let looked: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "held-"));
  [held, looked] = [[], 0];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The handler of this source is disabled, and no version of it has ever run. */
function disabled(source: string): HeldPlaces {
  const path = join(folder, "h.ts");
  writeFileSync(path, source);
  const file = { name: "h", path, displayPath: "handlers/h.ts" };
  const bundle = {};
  const deps = {
    binder: {
      async hold(name: string) {
        held.push(name);
        return () => void held.splice(0);
      },
    },
    bundler: { build: async () => ({ ok: true, bundle }), retire: async () => {} },
    evaluator: {
      async look() {
        looked++;
        return { metadata: durable("t.a") };
      },
    },
    known: () => undefined,
  } as unknown as HeldPlacesOptions["deps"];
  const places = new HeldPlaces({ deps, find: () => ({ file, metadata: undefined }) });
  places.saw({ type: "handler.state", handler: "h", from: "starting", to: "disabled" });
  return places;
}

it.each([
  ["says so", 'export const metadata = { subject: "t.a", kind: "durable" };'],
  [
    "has it from another module",
    'import { KIND } from "./_kinds.ts"; export const metadata = { subject: "t.a", kind: KIND };',
  ],
  ["has it spread in", 'import { common } from "./_common.ts"; export const metadata = { ...common, subject: "t.a" };'],
  ["has it as a default of the configuration", 'export const metadata = { subject: "t.a" };'],
])("the place of a durable handler that was off from the start is held, where its source %s", async (_how, source) => {
  const places = disabled(source);
  await expect.poll(() => held).toEqual(["h"]);
  places.close();
  await expect.poll(() => held).toEqual([]);
});

it("one that says outright that it is of another kind is not even looked at", async () => {
  disabled('export const metadata = { subject: "t.a", kind: "request" };').close();
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect([held, looked]).toEqual([[], 0]);
});
