// Messages whose headers the NATS client of Node would refuse to read, or to write: clients of other languages send them.
// @module-tag any-server

import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { redrive } from "../../runtime/dead-letters/redrive.ts";
import { runCli } from "../support/cli-process.ts";
import { publishRaw } from "../support/raw-publisher.ts";
import { removeStreams } from "../support/remove-streams.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();
let jsm: JetStreamManager;

beforeEach(async () => {
  jsm = await jetstreamManager(stage.client.connection);
  await removeStreams(jsm);
  await jsm.streams.add({ name: "FOREIGN", subjects: ["foreign.>"] });
});

/** A space, a letter of no ASCII, and a line feed that ends no line. */
const BLOCK = Buffer.from("NATS/1.0\r\nname with spaces: a\r\nnäme: ü\r\nX-Two-Lines: one\ntwo\r\nX-Plain: b\r\n\r\n");
const HEADERS = [
  ["name with spaces", ["a"]],
  ["näme", ["ü"]],
  ["X-Two-Lines", ["one\ntwo"]],
  ["X-Plain", ["b"]],
];

interface Ran {
  readonly n: number;
  readonly attempt: number;
  readonly headers: readonly (readonly [string, readonly string[]])[];
}

const handler = (metadata: string, then = "") => `
  export const metadata = { ${metadata} };
  export default async ({ n }, ctx) => {
    const { attempt } = ctx;
    await ctx.publish("ran", { n, attempt, headers: [...ctx.headers] });
    ${then}
  };`;

const send = (subject: string, n: number, block: string | Buffer = BLOCK, reply?: string) =>
  publishRaw(stage.server.port, {
    subject,
    block,
    payload: JSON.stringify({ n }),
    ...(reply === undefined ? {} : { reply }),
  });

const box = () => new DeadLetterBox(stage.client.connection, "shop");

function redriveAll(ids: readonly number[]) {
  const { connection } = stage.client;
  return redrive(ids, { connection, app: "shop", box: box(), clock: systemClock, copies: 1, rate: undefined });
}

const own = (headers: Ran["headers"]) => headers.filter(([name]) => !name.startsWith("Handlers-"));

it("a durable handler gets them as they came, again when it fails, and they are settled", async () => {
  const app = await stage.start({
    handlers: {
      "take.js": handler(
        'subject: "foreign.stored", kind: "durable", retry: { attempts: 3, backoff: "10ms" }',
        'if (ctx.attempt === 1) throw new Error("not yet");',
      ),
    },
  });
  const ran = await stage.client.collect<Ran>("ran");
  await send("foreign.stored", 1);
  const all = await ran.until(2);
  expect(all.map(({ n, attempt }) => [n, attempt])).toEqual([
    [1, 1],
    [1, 2],
  ]);
  for (const { headers } of all) expect(own(headers)).toEqual(HEADERS);
  await expect
    .poll(async () => (await jsm.consumers.list("FOREIGN").next())[0])
    .toMatchObject({ num_pending: 0, num_ack_pending: 0 });
  expect(app.told("runtime.notice").filter(({ level }) => level === "error")).toEqual([]);
});

it("an event handler gets them as they came", async () => {
  await stage.start({ handlers: { "hear.js": handler('subject: "heard", kind: "event"') } });
  const ran = await stage.client.collect<Ran>("ran");
  await send("heard", 1);
  expect(own((await ran.until(1))[0]?.headers ?? [])).toEqual(HEADERS);
});

it("a request with them is answered, and a reply with them is read", async () => {
  await stage.start({
    handlers: {
      "answer.js": `
        export const metadata = { subject: "asked", kind: "request" };
        export default async (_event, ctx) => ({ headers: [...ctx.headers], far: await ctx.request("far") });`,
    },
  });
  const { connection } = stage.client;
  connection.subscribe("far", {
    callback: (_error, { reply = "" }) => void send(reply, 7),
  });
  const answers = await stage.client.collect<{ headers: Ran["headers"]; far: unknown }>("answers");
  await send("asked", 1, BLOCK, "answers");
  const [answer] = await answers.until(1);
  expect(own(answer?.headers ?? [])).toEqual(HEADERS);
  expect(answer?.far).toEqual({ n: 7 });
});

for (const [kind, subject] of [
  ["durable", "foreign.stored"],
  ["event", "heard"],
] as const) {
  it(`what the ${kind} handler fails with is a dead letter with them, is shown, and has them when it is sent again`, async () => {
    await stage.start({
      handlers: {
        "fail.js": handler(
          `subject: "${subject}", kind: "${kind}"${kind === "durable" ? ", retry: { attempts: 1 }" : ""}`,
          'throw new Error("refused");',
        ),
      },
    });
    const ran = await stage.client.collect<Ran>("ran");
    await send(subject, 1);
    await expect.poll(() => box().list()).toHaveLength(1);
    const [letter] = await box().list();
    const id = letter?.id ?? 0;
    const kept = await box().show(id);
    expect(kept?.headers).toEqual(HEADERS.flatMap(([name, values]) => [[name, values?.[0]]]));
    expect(await redriveAll([id])).toEqual({ redriven: 1, missing: 0 });
    const all = await ran.until(2);
    for (const { headers } of all) expect(own(headers)).toEqual(HEADERS);
    // It has failed again, and is kept again with all that it had.
    await expect.poll(async () => (await box().list()).map(({ redriven }) => redriven)).toEqual([1]);
    const [again] = await box().list();
    expect((await box().show(again?.id ?? 0))?.headers).toEqual(kept?.headers);
  });
}

it("they are replayed", async () => {
  await send("foreign.stored", 1);
  const ran = await stage.client.collect<Ran>("ran");
  const app = await stage.start({
    handlers: { "take.js": handler('subject: "foreign.stored", kind: "durable"') },
  });
  await ran.until(1);
  const at = { cwd: app.project.rootDir, env: { NATS_URL: stage.server.url } };
  expect(await runCli(["replay", "take", "--from", "1h", "--app", "shop"], at)).toMatchObject({ code: 0 });
  const [, again] = await ran.until(2);
  expect(own(again?.headers ?? [])).toEqual(HEADERS);
});

it("a header that goes on goes on also to what leaves later", async () => {
  await stage.start({
    handlers: {
      "pass.js": `
        export const metadata = { subject: "heard", kind: "event", propagate: ["x-two-lines"] };
        export default async (_event, ctx) => { await ctx.publish("later", 1, { delay: "100ms" }); };`,
    },
  });
  const later = await stage.client.collect("later");
  await send("heard", 1);
  await later.until(1);
  expect(later.messages[0]?.headers?.values("X-Two-Lines")).toEqual(["one\ntwo"]);
});

const MALFORMED: readonly (readonly [what: string, block: string, headers: Ran["headers"]])[] = [
  ["a line without a colon", "NATS/1.0\r\nno colon\r\nX-Plain: b\r\n\r\n", [["X-Plain", ["b"]]]],
  ["a status that is none", "NATS/1.0 what: ever\r\nX-Plain: b\r\n\r\n", [["X-Plain", ["b"]]]],
  ["a first line of something else", "HTTP/1.1 200 OK\r\nX-Plain: b\r\n\r\n", [["X-Plain", ["b"]]]],
  ["no empty line at its end", "NATS/1.0\r\nX-Plain: b", [["X-Plain", ["b"]]]],
  ["a name of nothing", "NATS/1.0\r\n: a\r\nX-Plain: b\r\n\r\n", [["X-Plain", ["b"]]]],
  [
    "bytes that are no text",
    "NATS/1.0\r\nX-\xff: \xfe\r\nX-Plain: b\r\n\r\n",
    [
      ["X-\ufffd", ["\ufffd"]],
      ["X-Plain", ["b"]],
    ],
  ],
  ["nothing in it", "", []],
];

it("of a block that is malformed what can be read is read, and the message is run", async () => {
  await stage.start({
    handlers: {
      "take.js": handler(
        'subject: "foreign.stored", kind: "durable", retry: { attempts: 1 }',
        'throw new Error("refused");',
      ),
      "hear.js": handler('subject: "heard", kind: "event"'),
    },
  });
  const ran = await stage.client.collect<Ran>("ran");
  for (const [n, [, block]] of MALFORMED.entries()) {
    await send("foreign.stored", n, block);
    await send("heard", n + MALFORMED.length, block);
  }
  const all = (await ran.until(2 * MALFORMED.length)).toSorted((a, b) => a.n - b.n);
  const read = all.map(({ n, headers }) => [MALFORMED[n % MALFORMED.length]?.[0], own(headers)]);
  const expected = MALFORMED.map(([what, , headers]) => [what, headers]);
  expect(read).toEqual([...expected, ...expected]);
  await expect.poll(() => box().list()).toHaveLength(MALFORMED.length);
});
