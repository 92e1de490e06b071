import { expect, it } from "vitest";
import { Echoes } from "../../../runtime/discover/echoes.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const PATH = "/app/handlers/save.ts";

it("knows a change that was heard of by its time, also where that is told more finely than by the clock", () => {
  const clock = fakeClock();
  const echoes = new Echoes(clock);
  const nowMs = clock.nowMs();
  expect(echoes.isEcho(PATH, nowMs)).toBe(false);
  echoes.heard(PATH);
  for (const changedAtMs of [nowMs - 4.2, nowMs, nowMs + 0.9]) expect(echoes.isEcho(PATH, changedAtMs)).toBe(true);
  expect(echoes.isEcho(PATH, nowMs + 1)).toBe(false);
  expect(echoes.isEcho(PATH, undefined)).toBe(false);
});

it("forgets after a while what was heard", () => {
  const clock = fakeClock();
  const echoes = new Echoes(clock);
  const nowMs = clock.nowMs();
  echoes.heard(PATH);
  clock.advance(9_999);
  echoes.forgetOld();
  expect(echoes.isEcho(PATH, nowMs)).toBe(true);
  clock.advance(1);
  echoes.forgetOld();
  expect(echoes.isEcho(PATH, nowMs)).toBe(false);
});
