import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { RuntimeError } from "../../../runtime/errors.ts";
import { isNotYet, Patience } from "../../../runtime/nats/patience.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const api = (code: number) => new JetStreamApiError({ code: 503, err_code: code, description: "as the server says" });

/** A step that fails with these, one after another, and then does not. */
function failingWith(...failures: Error[]) {
  let times = 0;
  return {
    get times() {
      return times;
    },
    step: async () => {
      const failure = failures[times++];
      if (failure !== undefined) throw failure;
      return "done";
    },
  };
}

const turn = () => new Promise(setImmediate);

describe("a start that asks JetStream", () => {
  it.each([
    ["a request that was lost", new errors.TimeoutError()],
    ["nobody who answers", new errors.NoRespondersError("$JS.API.STREAM.INFO.SHOP")],
    ["servers that have not all answered", api(10_004)],
    ["no leader", api(10_008)],
    ["no leader, as older servers say it", api(10_009)],
    ["a stream that is away", api(10_118)],
    ["a consumer that is away", api(10_119)],
    ["an error of ours that says so", new RuntimeError("NATS_UNREACHABLE", "did not answer in time")],
  ])("asks again after %s", async (_what, failure) => {
    const clock = fakeClock();
    const asked = failingWith(failure, failure);
    const answer = new Patience(clock, 30_000).surely(asked.step);
    for (let time = 1; time <= 2; time++) {
      await turn();
      expect(asked.times).toBe(time);
      clock.advance(250);
    }
    expect(await answer).toBe("done");
  });

  it.each([
    ["a refusal", api(10_047)],
    ["what is not there", api(10_059)],
    ["a refusal of ours", new RuntimeError("NATS_REFUSED", "no JetStream", { cause: new errors.TimeoutError() })],
  ])("tells %s at once", async (_what, failure) => {
    await expect(new Patience(fakeClock(), 30_000).surely(failingWith(failure).step)).rejects.toBe(failure);
  });

  it("tells once what it waits for, when that takes longer than a moment (P3)", async () => {
    const clock = fakeClock();
    const told: unknown[] = [];
    const patience = new Patience(clock, 30_000, (...waited) => told.push(waited));
    const [first, second] = [api(10_008), api(10_118)];
    const answers = [first, second].map((failure) => patience.surely(failingWith(failure, failure, failure).step));
    await turn();
    clock.advance(250);
    await turn();
    expect(told).toEqual([]);
    clock.advance(2_750);
    await turn();
    expect(told).toEqual([[first, 27_000]]);
    clock.advance(250);
    expect(await Promise.all(answers)).toEqual(["done", "done"]);
    expect(told).toHaveLength(1);
  });

  it("gives up at its deadline, whichever step it is at (P4)", async () => {
    const clock = fakeClock();
    const patience = new Patience(clock, 30_000);
    clock.advance(29_900);
    const failures = [api(10_008), new errors.TimeoutError()];
    const asked = failingWith(...failures);
    const told = expect(patience.surely(asked.step)).rejects.toBe(failures[1]);
    await turn();
    clock.advance(250);
    await told;
    await expect(patience.surely(failingWith(failures[0]!).step)).rejects.toBe(failures[0]);
  });

  it("asks again for a stream that is known to be there (P2)", async () => {
    const clock = fakeClock();
    const patience = new Patience(clock, 30_000);
    const missing = new RuntimeError("STREAM_MISSING", "durable could not be set up", { cause: api(10_059) });
    const asked = failingWith(missing, api(10_059));
    const answer = patience.surely(asked.step, isNotYet);
    for (let time = 1; time <= 2; time++) {
      await turn();
      clock.advance(250);
    }
    expect(await answer).toBe("done");
    await expect(patience.surely(failingWith(api(10_047)).step, isNotYet)).rejects.toMatchObject({ code: 10_047 });
  });

  it("waits no more once nobody does, and leaves no timer", async () => {
    const clock = fakeClock();
    const patience = new Patience(clock, 30_000);
    const failure = api(10_008);
    const told = expect(patience.surely(failingWith(failure, failure).step)).rejects.toBe(failure);
    await turn();
    patience.end();
    await told;
    expect(clock.pending).toBe(0);
  });
});
