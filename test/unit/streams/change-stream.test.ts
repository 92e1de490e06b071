// Several who change one stream, of which each has read what stood before the others wrote.

import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import { changeStream } from "../../../runtime/streams/change-stream.ts";
import { fakeClock } from "../../support/fake-clock.ts";

/** A server with one stream. Whoever asks to change it has read it before: as the client does. */
function server(subjects: string[]) {
  let config = { subjects, num_replicas: 1 } as unknown as StreamConfig;
  let writes = 0;
  const streams = {
    info: async () => ({ config: { ...config } }) as StreamInfo,
    update: async (_name: string, change: Partial<StreamConfig>) => {
      writes++;
      config = { ...config, ...change };
      return { config } as StreamInfo;
    },
  };
  return {
    jsm: { streams } as unknown as JetStreamManager,
    set: (change: Partial<StreamConfig>) => {
      config = { ...config, ...change };
    },
    get subjects() {
      return config.subjects;
    },
    get writes() {
      return writes;
    },
  };
}

const adding = (subject: string) => (config: StreamConfig) =>
  config.subjects.includes(subject) ? undefined : { subjects: [...config.subjects, subject] };

/** Lets time pass until it has ended. */
async function ended<T>(clock: ReturnType<typeof fakeClock>, doing: Promise<T>): Promise<T> {
  let isOver = false;
  const over = doing.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise(setImmediate);
    clock.advance(100);
  }
  return over;
}

describe("a stream that is changed", () => {
  it("keeps what each of those adds who have read the same before (C2)", async () => {
    const one = server(["a"]);
    const clock = fakeClock();
    const both = Promise.all(["b", "c"].map((subject) => changeStream(one.jsm, "SHOP", clock, adding(subject))));
    expect(await ended(clock, both)).toEqual([true, true]);
    expect([...one.subjects].sort()).toEqual(["a", "b", "c"]);
  });

  it("is changed again when somebody has set it back a moment later, beside what that one added (C1)", async () => {
    const one = server(["a"]);
    const clock = fakeClock();
    const changing = changeStream(one.jsm, "SHOP", clock, adding("b"));
    await new Promise(setImmediate);
    expect(one.subjects).toEqual(["a", "b"]);
    one.set({ subjects: ["a", "c"] });
    await ended(clock, changing);
    expect(one.subjects).toEqual(["a", "c", "b"]);
  });

  it("is only looked at where it is as wanted already", async () => {
    const one = server(["a"]);
    expect(await changeStream(one.jsm, "SHOP", fakeClock(), adding("a"))).toBe(false);
    expect(one.writes).toBe(0);
  });

  it("is left to others who keep on wanting it otherwise", async () => {
    const one = server(["a"]);
    const clock = fakeClock();
    const contrary = { streams: { ...one.jsm.streams, info: async () => ({ config: { subjects: ["a"] } }) } };
    const changing = changeStream(contrary as unknown as JetStreamManager, "SHOP", clock, adding("b"));
    expect(await ended(clock, changing)).toBe(true);
    expect(one.writes).toBe(10);
  });
});
