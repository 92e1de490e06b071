// What a schedule publishes is put before the handler's schema when the handler is loaded.

import { expect, it } from "vitest";
import { z } from "zod";
import type { HandlerModule } from "../../../runtime/worker/load.ts";
import { schedulePayloadOf } from "../../../runtime/worker/schedule-payload.ts";

const of = (metadata: object) => schedulePayloadOf(metadata as NonNullable<HandlerModule["metadata"]>);
const schema = z.object({ full: z.boolean() });

it("is encoded as a publisher would", async () => {
  expect(await of({})).toBeUndefined();
  expect(await of({ schedule: "@daily" })).toEqual({ text: "" });
  const at = new Date("2027-01-31T18:30:00Z");
  expect(await of({ schedule: { cron: "@daily", payload: { at } } })).toEqual({
    text: '{"at":"2027-01-31T18:30:00.000Z"}',
  });
});

it("is refused where the schema refuses it, an empty message included", async () => {
  expect(await of({ schema, schedule: { cron: "@daily", payload: { full: true } } })).toEqual({
    text: '{"full":true}',
  });
  expect(await of({ schema, schedule: { cron: "@daily", payload: { full: 1 } } })).toEqual({
    problem: expect.stringMatching(/^is refused: full: /),
  });
  expect(await of({ schema, schedule: "@daily" })).toEqual({
    problem: expect.stringMatching(/^is not given, and the handler refuses an empty message: /),
  });
});

it("is refused where it cannot be read as the handler reads it, or cannot be written", async () => {
  const decode = () => {
    throw new Error("too short");
  };
  expect(await of({ payload: { decode }, schedule: "@daily" })).toEqual({
    problem: expect.stringContaining("too short"),
  });
  expect(await of({ schedule: { cron: "@daily", payload: 4n } })).toEqual({
    problem: expect.stringContaining("cannot be published"),
  });
  expect(await of({ schedule: { cron: "@daily", payload: new Uint8Array(1) } })).toEqual({
    problem: expect.stringContaining("must be JSON"),
  });
});
