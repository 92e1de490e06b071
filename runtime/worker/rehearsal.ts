// What a first load and a first message run through, run once by a worker that waits for its handler: it is compiled then,
// and the handler need not wait for that. It is the real code, with a link that leads nowhere.

import type { Socket } from "node:net";
import { FrameReader, FrameType, FrameWriter, type StartRequest } from "../wire/protocol.ts";
import { describeMetadata } from "./describe-metadata.ts";
import { Link } from "./link.ts";
import { importBundle, isStandardSchema } from "./load.ts";
import { RequestTurns } from "./request-turns.ts";
import { Runner } from "./runner.ts";

/** What is written to a closed socket goes nowhere (direct-write.ts). */
const CLOSED = { writable: false, writableLength: 0 } as Socket;
const KINDS = ["event", "request"] as const;

/** `url`: of a handler that has a schema and publishes. Leaves nothing behind. */
export async function rehearse(url: string): Promise<void> {
  const { metadata = {}, default: handler } = await importBundle(url);
  const { schema } = metadata;
  if (handler === undefined || !isStandardSchema(schema)) return;
  const link = new Link(CLOSED);
  link.send(FrameType.loaded, { metadata: describeMetadata(metadata) });
  for (const [index, kind] of KINDS.entries()) {
    const services = {
      link,
      start: startOf(kind),
      handler: "rehearsal",
      telemetry: undefined,
      requests: new RequestTurns(1),
    };
    const runner = new Runner(services, {
      handler,
      schema,
      reply: undefined,
      payload: undefined,
      when: undefined,
      orderBy: undefined,
    });
    const reader = new FrameReader((_type, bytes, start, end) => runner.deliver(bytes, start, end));
    runner.beginTurn();
    link.together(() => reader.push(deliverFrame('{"number":1,"text":"a"}')));
    await nextTurn(); // Compiling has taken long: it may have been left for this turn.
    link.answered(index + 1, 0, Buffer.alloc(0)); // its publish
    await nextTurn();
  }
}

function nextTurn(): Promise<unknown> {
  return new Promise(setImmediate);
}

function startOf(kind: StartRequest["kind"]): StartRequest {
  return {
    app: "rehearsal",
    kind,
    subjects: ["rehearsal"],
    envelope: "none",
    propagate: [],
    uses: { kv: [], objects: [] },
    concurrency: 1,
    attempts: 1,
    timeoutMs: 1_000,
    idPrefixes: ["rehearsal-"],
  };
}

/** As the supervisor writes it (worker-process.ts). */
function deliverFrame(payload: string): Buffer {
  const out = new FrameWriter(1_024);
  out.begin(FrameType.deliver);
  out.u32(1);
  out.u53(1);
  out.u16(1);
  out.u8(0);
  out.text(payload);
  out.end();
  let frame = Buffer.alloc(0);
  out.flush((batch) => {
    frame = Buffer.from(batch);
    return true;
  });
  return frame;
}
