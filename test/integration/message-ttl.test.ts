// `ttl` of what is published: its stream keeps it for that long, where it lets a message say so; else it is refused.

import { type JetStreamManager, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { type Client, createClient } from "nats-handlers/client";
import { beforeEach, expect, it } from "vitest";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

/** Publishes as it is told, and says what came of it. */
const TELL = `
  export const metadata = { subject: "tell", kind: "request" };
  export default async ({ subject, n, ttl }, ctx) => {
    try {
      await ctx.publish(subject, { n }, { ttl });
      return "published";
    } catch ({ code, message }) {
      return { code, message };
    }
  };`;
/** From the moment it is stored. */
const SOON = "1s";

let jsm: JetStreamManager;
let client: Client;
beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  client = createClient(stage.client.connection);
  await stage.start({ handlers: { "tell.js": TELL }, config: { app: "shop" } });
});

/** Whether its messages may have a ttl now: servers before 2.11 drop the setting. */
async function addStream(changes: Partial<StreamConfig>): Promise<boolean> {
  const { config } = await jsm.streams.add({ name: "CODES", subjects: ["codes.>"], ...changes });
  return config.allow_msg_ttl === true;
}

const tell = async (subject: string, n: number, ttl?: string) =>
  (await stage.client.ask("tell", { subject, n, ttl })).value;

async function stored(): Promise<number[]> {
  const { first_seq, last_seq } = (await jsm.streams.info("CODES")).state;
  const found: number[] = [];
  for (let seq = Math.max(1, first_seq); seq <= last_seq; seq++) {
    const message = await jsm.streams.getMessage("CODES", { seq }).catch(() => null);
    if (message !== null) found.push(message.json<{ n: number }>().n);
  }
  return found;
}

it("a message is gone after its ttl, those without one stay", async ({ skip }) => {
  if (!(await addStream({ allow_msg_ttl: true }))) skip("before 2.11");
  expect(await tell("codes.a", 1)).toBe("published");
  expect(await tell("codes.a", 2, SOON)).toBe("published");
  expect(await tell("codes.a", 3, "1h")).toBe("published");
  expect(await client.publish("codes.a", { n: 4 }, { ttl: SOON })).toMatchObject({ stream: "CODES", seq: 4 });
  expect(await client.publish("codes.a", { n: 5 }, { ttl: "90.5s" })).toMatchObject({ seq: 5 });
  const ttls = await Promise.all([3, 5].map((seq) => jsm.streams.getMessage("CODES", { seq })));
  expect(ttls.map((message) => message!.header.get("Nats-TTL"))).toEqual(["3600s", "91s"]);
  await expect.poll(stored).toEqual([1, 3, 5]);
});

it("where the stream does not let a message have one it is refused, with what to do, and nothing is stored", async () => {
  await addStream({});
  const refused =
    /ttl` is refused, and nothing was sent: stream "CODES" lets no message have one\. Switch `allow_msg_ttl` on/;
  expect(await tell("codes.a", 1, SOON)).toEqual({ code: 400, message: expect.stringMatching(refused) });
  await expect(client.publish("codes.a", { n: 2 }, { ttl: SOON })).rejects.toMatchObject({
    code: 400,
    message: expect.stringMatching(refused),
  });
  expect(await tell("codes.a", 3)).toBe("published");
  expect(await stored()).toEqual([3]);
});

it("where no stream takes the subject it is refused", async () => {
  const heard = await stage.client.collect<{ n: number }>("nowhere");
  const refused = /ttl` is refused, and nothing was sent: no stream takes the subject/;
  expect(await tell("nowhere", 1, SOON)).toEqual({ code: 400, message: expect.stringMatching(refused) });
  await expect(client.publish("nowhere", { n: 2 }, { ttl: SOON })).rejects.toMatchObject({
    code: 400,
    message: expect.stringMatching(refused),
  });
  expect(await tell("nowhere", 3)).toBe("published");
  expect(await heard.until(1)).toEqual([{ n: 3 }]);
});

it("a server before 2.11 is not believed when it says that it has set it", async ({ skip }) => {
  if (await addStream({ allow_msg_ttl: true })) skip("2.11 and later");
  expect(await tell("codes.a", 1, SOON)).toMatchObject({
    code: 400,
    message: expect.stringContaining("2.11 or later"),
  });
  expect(await stored()).toEqual([]);
});

it("the client refuses one that cannot be", async () => {
  await addStream({});
  for (const options of [{ ttl: "10ms" }, { ttl: "soon" }, { ttl: 5 }, { ttl: "1m", delay: "1s" }])
    await expect(client.publish("codes.a", { n: 1 }, options as never)).rejects.toMatchObject({ code: 400 });
  expect(await stored()).toEqual([]);
});
