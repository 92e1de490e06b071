// The client's own way out and ours, side by side: the same calls must bring the server the same bytes, and be flushed at
// the same moments.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { connect, headers as createHeaders, type NatsConnection } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeHeaders } from "../../runtime/message/header-block.ts";
import { type ClientProtocol, installFastWriter } from "../../runtime/nats/fast-writer.ts";

const INFO = { server_id: "x", version: "2.10.0", headers: true, max_payload: 1024 * 1024, proto: 1 };

/** A server that keeps what it is told, and says no more than a client has to hear. */
class Recorder {
  private readonly server: Server;
  private readonly sockets: Socket[] = [];
  private heard: Buffer[] = [];

  constructor(server: Server) {
    this.server = server;
    server.on("connection", (socket) => {
      this.sockets.push(socket);
      socket.write(`INFO ${JSON.stringify(INFO)}\r\n`);
      socket.on("data", (bytes) => {
        this.heard.push(bytes);
        for (const _ of bytes.toString("latin1").matchAll(/PING\r\n/g)) socket.write("PONG\r\n");
      });
      socket.on("error", () => undefined);
    });
  }

  static async open(): Promise<Recorder> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Recorder(server);
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** What was said since the last time, without what names the client. */
  said(): string {
    const text = Buffer.concat(this.heard).toString("latin1");
    this.heard = [];
    return text.replace(/^CONNECT .*\r\n/gm, "");
  }

  /** Let go of everybody, as a server does that goes away. */
  closeSocket(): void {
    for (const socket of this.sockets.splice(0)) socket.destroy();
  }

  close(): void {
    this.closeSocket();
    this.server.close();
  }
}

interface Side {
  readonly recorder: Recorder;
  readonly connection: NatsConnection;
  readonly protocol: ClientProtocol;
}

async function open(install: boolean): Promise<Side> {
  const recorder = await Recorder.open();
  const connection = await connect({
    servers: `127.0.0.1:${recorder.port}`,
    reconnectTimeWait: 10,
    reconnectJitter: 0,
  });
  const { protocol } = connection as unknown as { protocol: ClientProtocol };
  if (install) expect(installFastWriter(connection)).toBe(true);
  await connection.flush();
  recorder.said();
  return { recorder, connection, protocol };
}

let sides: readonly [plain: Side, ours: Side];
beforeEach(async () => {
  sides = [await open(false), await open(true)];
});
afterEach(async () => {
  for (const { connection, recorder } of sides) {
    await connection.close();
    recorder.close();
  }
});

/** Does the same on both sides, and compares what waits to be flushed. */
function both(step: (side: Side) => void): void {
  for (const side of sides) step(side);
  const [plain, ours] = sides.map(({ protocol }) => protocol.outbound.size());
  expect(ours).toBe(plain);
}

/** All has reached the servers, and was the same. */
async function compared(): Promise<string> {
  for (const { connection } of sides) await connection.flush();
  const [plain, ours] = sides.map(({ recorder }) => recorder.said());
  expect(ours).toBe(plain);
  const [plainStats, ourStats] = sides.map(({ connection }) => {
    const { outBytes, outMsgs } = connection.stats();
    return { outBytes, outMsgs };
  });
  expect(ourStats).toEqual(plainStats);
  return ours!;
}

/** A small generator with a seed, so that a failure can be repeated (Numerical Recipes, linear congruential). */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomStep(pick: (below: number) => number): (side: Side) => void {
  const subject = ["a", "todo.newitem", "x.y.z-1_2", "zo\u00eb.\u4f60"][pick(4)]!;
  const data = "p\u00e9".repeat([0, 1, 5, 200, 3_000, 70_000][pick(20) === 0 ? 5 : pick(5)]!);
  const payload = pick(3) === 0 ? data : Buffer.from(data);
  const reply = pick(3) === 0 ? { reply: "_INBOX.r.1" } : {};
  switch (pick(6)) {
    case 0:
      return ({ connection }) => connection.subscribe(subject, { queue: pick(1) === 0 ? "q" : "r" }).unsubscribe();
    case 1: {
      const headers = createHeaders();
      headers.append("A", "one");
      headers.append("A", "tw\u00f6");
      return ({ connection }) => connection.publish(subject, payload, { headers, ...reply });
    }
    case 2:
      return ({ connection }) => void connection.flush();
    default:
      return ({ connection }) => connection.publish(subject, payload, reply);
  }
}

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  "the server is told the same, and at the same moments (seed %i)",
  async (seed) => {
    const pick = seeded(seed);
    for (let at = 0; at < 300; at++) {
      both(randomStep(pick));
      // The end of a turn is where the client flushes.
      if (pick(10) === 0) await null;
    }
    await compared();
  },
);

test("more than the socket takes at once arrives whole and in order", async () => {
  const payload = Buffer.alloc(1024 * 1024, "x");
  both(({ connection }) => {
    for (let number = 0; number < 20; number++) {
      connection.publish(`large.${number}`, payload);
      connection.publish(`small.${number}`, `${number}`);
    }
  });
  expect((await compared()).match(/small\.\d+/g)).toHaveLength(20);
});

test("headers that are encoded already are what the client would make of them", async () => {
  const pairs = [
    ["Handlers-Hops", "1"],
    ["X-Tag", "one"],
    ["X-Tag", "two"],
  ] as const;
  const parsed = createHeaders();
  for (const [name, value] of pairs) parsed.append(name, value);
  expect(Buffer.from((parsed as unknown as { encode(): Uint8Array }).encode())).toEqual(encodeHeaders(pairs));
});

test("what is too large is refused as before, and nothing of it is sent", async () => {
  const payload = Buffer.alloc(INFO.max_payload + 1);
  both(({ connection }) => expect(() => connection.publish("large", payload)).toThrow("max_payload"));
  expect(await compared()).toBe("PING\r\n");
});

test("across a reconnect the server is told the same", async () => {
  for (const { connection, recorder, protocol } of sides) {
    const statuses = connection.status()[Symbol.asyncIterator]();
    recorder.closeSocket();
    for (let status = ""; status !== "reconnecting"; ) status = (await statuses.next()).value.type;
    connection.publish("between", "x");
    expect(protocol.connected).toBe(false);
    for (let status = ""; status !== "reconnect"; ) status = (await statuses.next()).value.type;
    recorder.said();
  }
  both(({ connection }) => connection.publish("found", "y"));
  expect(await compared()).toContain("PUB found 1\r\ny\r\n");
});

test("a drained connection has sent all it was given", async () => {
  both(({ connection }) => {
    for (let number = 0; number < 1_000; number++) connection.publish("last", `${number}`);
  });
  for (const { connection } of sides) await connection.drain();
  const [plain, ours] = sides.map(({ recorder }) => recorder.said());
  expect(ours).toBe(plain);
  expect(ours).toContain("\r\n999\r\n");
});

test("a client that is built otherwise is left alone", () => {
  const publish = () => undefined;
  const other = { protocol: { publish, outBytes: 0, outMsgs: 0 } };
  expect(installFastWriter(other)).toBe(false);
  expect(installFastWriter({})).toBe(false);
  expect(other.protocol.publish).toBe(publish);
});
