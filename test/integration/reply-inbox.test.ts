import { connect, errors, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { encodeHeaders } from "../../runtime/message/header-block.ts";
import { ReplyInbox } from "../../runtime/nats/reply-inbox.ts";
import { asTheyAre } from "../../runtime/publish/message-headers.ts";
import { startTestServer, type TestServer } from "../support/nats-server.ts";

const usersWith = (permissions: string) =>
  `authorization { users = [{ user: "u", password: "p", permissions: ${permissions} }] }`;
const ALL = usersWith('{ publish: ">", subscribe: ">" }');
const NOT_SECRET = usersWith('{ publish: { deny: "secret" }, subscribe: ">" }');
const NO_INBOX = usersWith('{ publish: ">", subscribe: { allow: ["echo", "silent"] } }');

let server: TestServer;
let connection: NatsConnection;
let inbox: ReplyInbox;

beforeAll(async () => {
  server = await startTestServer({ config: ALL });
});
afterAll(() => server.stop());
beforeEach(async () => {
  connection = await connect({ servers: server.url, user: "u", pass: "p", noAsyncTraces: true });
  inbox = new ReplyInbox({ connection, inboxPrefix: undefined, clock: systemClock });
});
afterEach(() => connection.close());

function ask(
  subject: string,
  text = "",
  { timeoutMs = 10_000, gone }: { timeoutMs?: number; gone?: AbortSignal } = {},
) {
  const headers = asTheyAre(encodeHeaders([["X-Colour", "red"]]));
  return inbox.request({ subject, payload: Buffer.from(text), headers, timeoutMs, ...(gone && { gone }) });
}

/** Hears requests, and answers none. Resolves when the server has it. */
async function silent(): Promise<void> {
  connection.subscribe("silent", { callback: () => undefined });
  await connection.flush();
}

describe("a request", () => {
  it("gets the reply that is its own, and the other side its headers", async () => {
    const waiting: (() => void)[] = [];
    connection.subscribe("echo", {
      callback: (_, message) => {
        waiting.unshift(() => message.respond(`${message.string()} ${message.headers?.get("X-Colour")}`));
        // In the opposite order.
        if (waiting.length === 3) for (const answer of waiting) answer();
      },
    });
    const replies = await Promise.all(["a", "b", "c"].map((text) => ask("echo", text)));
    expect(replies.map((reply) => reply?.string())).toEqual(["a red", "b red", "c red"]);
  });

  it("that nobody listens to is rejected at once", async () => {
    await expect(ask("nobody")).rejects.toThrow(errors.NoRespondersError);
  });

  it("that is not answered in time has no reply", async () => {
    await silent();
    expect(await ask("silent", "", { timeoutMs: 20 })).toBeUndefined();
  });

  it("that is given up has no reply, at once", async () => {
    await silent();
    const gone = new AbortController();
    const reply = ask("silent", "", { gone: gone.signal });
    gone.abort();
    expect(await reply).toBeUndefined();
  });

  it("whose connection is closed is rejected", async () => {
    await silent();
    const closed = expect(ask("silent")).rejects.toThrow(errors.ClosedConnectionError);
    await connection.close();
    await closed;
    await expect(ask("silent")).rejects.toThrow(errors.ClosedConnectionError);
  });

  it("that may not be published is rejected, and those to other subjects wait on", async () => {
    await server.restart(NOT_SECRET);
    const own = await connect({ servers: server.url, user: "u", pass: "p" });
    inbox = new ReplyInbox({ connection: own, inboxPrefix: undefined, clock: systemClock });
    const answered: (() => void)[] = [];
    own.subscribe("silent", { callback: (_, message) => void answered.push(() => message.respond("late")) });
    await own.flush();
    const other = ask("silent");
    await expect(ask("secret")).rejects.toThrow(errors.PermissionViolationError);
    for (const answer of answered) answer();
    expect((await other)?.string()).toBe("late");
    await own.close();
  });

  it("whose inbox is refused is rejected, and answered once it is allowed", async () => {
    await server.restart(NO_INBOX);
    const own = await connect({ servers: server.url, user: "u", pass: "p" });
    inbox = new ReplyInbox({ connection: own, inboxPrefix: undefined, clock: systemClock });
    own.subscribe("echo", { callback: (_, message) => void message.respond("here") });
    await expect(ask("echo")).rejects.toThrow(errors.PermissionViolationError);
    await expect(ask("echo")).rejects.toThrow(errors.PermissionViolationError);
    await server.reload(ALL);
    await expect
      .poll(async () => (await ask("echo").catch(() => undefined))?.string(), { timeout: 20_000 })
      .toBe("here");
    await own.close();
  });
});
