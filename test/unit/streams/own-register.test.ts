import { JetStreamApiError, type StoredMsg } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { OwnRegister } from "../../../runtime/streams/own-register.ts";
import type { OwnStreamReader } from "../../../runtime/streams/own-stream-reader.ts";
import type { OwnStreamWriter } from "../../../runtime/streams/own-stream-writer.ts";

const SUBJECT = "rates.shop.order";

/** A stream that keeps one message of a subject, and refuses with `code` who writes after another than that. */
function registerOf(code: number, writes: unknown[] = [], unanswered = new Set<string>()) {
  let kept: { readonly seq: number; readonly text: string; readonly id: string | undefined } | undefined;
  const reader = {
    async get() {
      if (kept === undefined) return null;
      const { seq, text, id } = kept;
      return { seq, string: () => text, header: { get: () => id ?? "" } } as unknown as StoredMsg;
    },
  };
  const publish: OwnStreamWriter["publish"] = async (_subject, data, options) => {
    writes.push(options);
    if (options?.expect?.lastSubjectSequence !== (kept?.seq ?? 0))
      throw new JetStreamApiError({ code: 400, err_code: code, description: "wrong last sequence" });
    kept = { seq: (kept?.seq ?? 0) + 7, text: String(data), id: options?.msgID };
    if (unanswered.delete(kept.text)) throw new errors.TimeoutError();
    return { seq: kept.seq, stream: "RATES_shop", duplicate: false };
  };
  const writer = { publish };
  const patience = { timeout: 2_000, retries: 1 };
  return new OwnRegister(reader as unknown as OwnStreamReader, writer as unknown as OwnStreamWriter, patience);
}

it("what was written after nothing is read with its revision", async () => {
  const register = registerOf(10071);
  expect(await register.read(SUBJECT)).toEqual({ message: null, revision: 0 });
  expect(await register.write(SUBJECT, "first", 0)).toBe(7);
  const { message, revision } = await register.read(SUBJECT);
  expect([message?.string(), revision]).toEqual(["first", 7]);
});

it.each([10071, 10164])(
  "of two that write after the same, the second is told that it was not first (%i)",
  async (code) => {
    const register = registerOf(code);
    await register.write(SUBJECT, "first", 0);
    expect(await register.write(SUBJECT, "second", 0)).toBeUndefined();
    expect(await register.write(SUBJECT, "third", 7)).toBe(14);
  },
);

it("what else goes wrong rejects, as nothing is known then of who was first", async () => {
  const register = registerOf(10077);
  await register.write(SUBJECT, "first", 0);
  await expect(register.write(SUBJECT, "second", 0)).rejects.toThrow("wrong last sequence");
});

it("R1: what was stored and not answered is known by its id", async () => {
  const register = registerOf(10071, [], new Set(["first"]));
  expect(await register.write(SUBJECT, "first", 0)).toBe(7);
  expect(await register.write(SUBJECT, "second", 7)).toBe(14);
});

it("R1: what was not stored rejects, whatever another has written", async () => {
  const writes: unknown[] = [];
  const register = registerOf(10071, writes);
  const silent = { publish: async () => Promise.reject(new errors.TimeoutError()) };
  const unheard = new OwnRegister(
    { get: () => register.read(SUBJECT).then(({ message }) => message) } as unknown as OwnStreamReader,
    silent as unknown as OwnStreamWriter,
    {},
  );
  await register.write(SUBJECT, "another's", 0);
  await expect(unheard.write(SUBJECT, "first", 0)).rejects.toThrow(errors.TimeoutError);
});

it("each writes with its own patience", async () => {
  const writes: unknown[] = [];
  await registerOf(10071, writes).write(SUBJECT, "first", 0);
  expect(writes).toMatchObject([{ timeout: 2_000, retries: 1, expect: { lastSubjectSequence: 0 } }]);
});
