import { expect, test } from "vitest";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { RuntimeEvent } from "../../../runtime/events.ts";
import { sharedMistakes } from "../../../runtime/supervise/shared-mistakes.ts";
import { fakeClock } from "../../support/fake-clock.ts";

function stage() {
  const told: RuntimeEvent[] = [];
  const clock = fakeClock();
  const fileOf = (handler: string) => `handlers/${handler}.ts`;
  return { told, clock, mistakes: sharedMistakes({ clock, emit: (event) => told.push(event), fileOf }) };
}

function failed(handler: string, file = "handlers/_shared.ts"): RuntimeEvent {
  const error = new RuntimeError("BUNDLE_FAILED", `handler "${handler}" does not build: Unexpected end of file`, {
    handler,
    place: { file, line: 1, column: 23 },
  });
  return { type: "handler.failed", handler, error, serving: undefined };
}

test("a mistake in a shared module is told once, with all that it holds back", () => {
  const { told, clock, mistakes } = stage();
  for (const handler of ["b", "c", "a", "c"]) {
    mistakes.emit(failed(handler));
    clock.advance(60);
  }
  expect(told).toEqual([]);
  clock.advance(100);
  expect(told).toMatchObject([{ handler: "b", others: ["a", "c"] }]);
});

test("a mistake in a handler's own file, and any other event, is told at once", () => {
  const { told, mistakes } = stage();
  mistakes.emit(failed("a", "handlers/a.ts"));
  mistakes.emit({ type: "handler.enabled", handler: "a" });
  expect(told.map(({ type }) => type)).toEqual(["handler.failed", "handler.enabled"]);
});

test("what is held at the end is told, and nothing is held any more", () => {
  const { told, mistakes } = stage();
  mistakes.emit(failed("a"));
  mistakes.close();
  mistakes.emit(failed("b"));
  expect(told).toMatchObject([{ handler: "a" }, { handler: "b" }]);
});
