import { beforeEach, expect, it } from "vitest";
import { AckRight, type AckRightOptions } from "../../../runtime/bind/ack-right.ts";
import { type FakeClock, fakeClock } from "../../support/fake-clock.ts";

const reply = (sequence: number) => `$JS.ACK.TODO.app-save.1.${sequence}.${sequence}.1795456942614840000.0`;

let clock: FakeClock;
let refuse: (reply: string) => void;
let held: string[];
let denials: number;
let granted: string[][];
let probes: string[];
/** What the server does with a probe. */
let onProbe: (subject: string) => void;
let flush: () => Promise<void>;
let right: AckRight;

beforeEach(() => {
  [clock, held, denials, granted, probes] = [fakeClock(), [], 0, [], []];
  onProbe = () => undefined;
  flush = async () => undefined;
  const deps = {
    clock,
    connection: { flush: () => flush() },
    sender: {
      isUp: true,
      sendNow(subject: string) {
        probes.push(subject);
        onProbe(subject);
      },
    },
    refusals: {
      watch(_durable: string, listener: (reply: string) => void) {
        refuse = listener;
        return () => undefined;
      },
    },
  } as unknown as AckRightOptions["deps"];
  right = new AckRight({
    ...{ deps, stream: "TODO", durable: "app-save" },
    holds: { begin: ({ reason }) => void held.push(`+${reason}`), end: (reason) => void held.push(`-${reason}`) },
    onDenied: () => void denials++,
    onGranted: (refused) => void granted.push([...refused]),
  });
});

/** Until the next probe has its answer. */
async function probed(): Promise<void> {
  clock.advance(2_000);
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
}

it("an acknowledgement that is refused is a hold, until one is taken; what was refused is handed over", async () => {
  refuse(reply(1));
  refuse(reply(2));
  expect([held, denials]).toEqual([["+acks-refused"], 2]);
  onProbe = refuse;
  await probed();
  expect([held.length, granted.length, probes]).toEqual([1, 0, [reply(2)]]);
  onProbe = () => undefined;
  await probed();
  expect(held).toEqual(["+acks-refused", "-acks-refused"]);
  expect(granted).toEqual([[reply(1), reply(2)]]);
  await probed();
  expect(probes).toHaveLength(2);
});

it("a connection that is lost meanwhile says nothing", async () => {
  refuse(reply(1));
  flush = () => Promise.reject(new Error("closed"));
  await probed();
  expect([held, granted]).toEqual([["+acks-refused"], []]);
});

it("closed, it holds nothing and asks nothing", async () => {
  refuse(reply(1));
  right.close();
  await probed();
  expect([held.at(-1), probes, granted]).toEqual(["-acks-refused", [], []]);
});
