import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { keepCompiledCode, removeOldest } from "../../../runtime/isolate/compiled-code.ts";
import { fakeClock } from "../../support/fake-clock.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nats-handlers-compiled-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, bytes: number, atSeconds: number): void {
  const path = join(folder, "v24", name);
  mkdirSync(join(folder, "v24"), { recursive: true });
  writeFileSync(path, Buffer.alloc(bytes));
  utimesSync(path, atSeconds, atSeconds);
}

const left = () => readdirSync(join(folder, "v24")).sort();

it("what was written last stays, as much of it as the bound allows", async () => {
  for (const [at, name] of ["a", "b", "c", "d"].entries()) write(name, 100, 1_000 - at);
  await removeOldest(folder, 250);
  expect(left()).toEqual(["a", "b"]);
});

it("within the bound all stays", async () => {
  write("a", 100, 1);
  write("b", 100, 2);
  await removeOldest(folder, 200);
  expect(left()).toEqual(["a", "b"]);
});

it("workers are told the folder; a place that is named, or that none is wanted, goes before it", () => {
  const clock = fakeClock();
  const envFor = (environment: Record<string, string>) => {
    const compiled = keepCompiledCode(folder, environment, clock);
    compiled.close();
    return compiled.env;
  };
  expect(envFor({})).toMatchObject({ NODE_COMPILE_CACHE: folder });
  expect(envFor({ NODE_COMPILE_CACHE: "/named" })).toEqual({ NODE_COMPILE_CACHE: "/named" });
  expect(envFor({ NODE_DISABLE_COMPILE_CACHE: "1", NODE_COMPILE_CACHE: "/named" })).toEqual({});
});
