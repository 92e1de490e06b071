// A dead letter that somebody has mended: it goes to the one handler that failed it, under its id and with its headers.

import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redriveMended } from "../../runtime/dead-letters/redrive.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage("max_payload: 65536");

beforeEach(async () => {
  const jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "T", subjects: ["t.item"] });
});

const handler = (name: string) => `export const metadata = {
  subject: "t.item", kind: "durable", stream: "T", retry: { attempts: 1 },
};
export default async (event, ctx) => {
  if (event.bad && ${JSON.stringify(name)} === "picky") throw new Error("refused");
  await ctx.publish("ran", { by: ${JSON.stringify(name)}, id: ctx.id, event, note: ctx.headers.get("x-note") });
};\n`;

interface Ran {
  readonly by: string;
  readonly id: string;
  readonly event: Readonly<Record<string, unknown>>;
  readonly note: string | undefined;
}

function mend(id: number, event: object): Promise<boolean> {
  const { connection } = stage.client;
  const box = new DeadLetterBox(connection, "shop");
  return redriveMended(id, Buffer.from(JSON.stringify(event)), { connection, app: "shop", box, copies: 1 });
}

const letters = () => new DeadLetterBox(stage.client.connection, "shop").list();

for (const [what, fill] of [
  ["", ""],
  [", also one whose payload was too large to lie in the letter", "x".repeat(64_500)],
] as const) {
  it(`is handled by that handler alone, and the letter is gone${what}`, async () => {
    await stage.start({ handlers: { "picky.js": handler("picky"), "other.js": handler("other") } });
    const ran = await stage.client.collect<Ran>("ran");
    stage.client.publish("t.item", { bad: true, fill }, { "x-note": ["kept"] });
    await expect.poll(letters).toHaveLength(1);
    await ran.until(1);
    const [letter] = await letters();
    expect(await mend(letter?.id ?? 0, { mended: 1 })).toBe(true);
    const all = await ran.until(2);
    expect(all.map(({ by }) => by)).toEqual(["other", "picky"]);
    expect(all[1]).toMatchObject({ id: all[0]?.id, event: { mended: 1 }, note: "kept" });
    await expect.poll(letters).toEqual([]);
    // Who was not meant has not run it: what comes next is the next.
    stage.client.publish("t.item", { last: true });
    expect((await ran.until(4)).filter(({ event }) => event.mended === 1)).toHaveLength(1);
  });
}

it("one that fails again is a letter again; one that is not there is none", async () => {
  await stage.start({ handlers: { "picky.js": handler("picky") } });
  stage.client.publish("t.item", { bad: 1 });
  await expect.poll(letters).toHaveLength(1);
  const [first] = await letters();
  expect(await mend(first?.id ?? 0, { bad: 2 })).toBe(true);
  await expect.poll(letters).toMatchObject([{ redriven: 1, reason: "threw" }]);
  expect(await mend(first?.id ?? 0, { bad: 3 })).toBe(false);
});
