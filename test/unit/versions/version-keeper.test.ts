import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../runtime/bundle/bundle.ts";
import { RuntimeError } from "../../../runtime/errors.ts";
import { VersionKeeper } from "../../../runtime/versions/version-keeper.ts";
import { eventRecorder } from "../../support/event-recorder.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { metadataOf } from "./kept.ts";

function stage() {
  const clock = fakeClock();
  const { events, emit } = eventRecorder();
  const serving = new Map<string, string>();
  const kept: string[] = [];
  let fails: RuntimeError | undefined;
  const keeper = new VersionKeeper({
    store: {
      async keep(handler, { version }) {
        if (fails !== undefined) throw fails;
        kept.push(`${handler} ${version}`);
        return true;
      },
    },
    place: { made: "sources", rootDir: "/app", sdkUrl: "file:///sdk.mjs" },
    most: 5,
    afterMs: 5_000,
    serving: (handler) => serving.get(handler),
    explain: (error) => error as RuntimeError,
    clock,
    emit,
  });
  const bundle = (handler: string, version: string): Bundle => {
    return { handler, version, path: "/x", preload: [], companions: [], inputs: [], sizeBytes: 1 };
  };
  return {
    clock,
    events,
    keeper,
    kept,
    serves(handler: string, version: string) {
      serving.set(handler, version);
      keeper.served(bundle(handler, version), metadataOf());
    },
    needs: (handler: string, version: string) => keeper.keepNow(bundle(handler, version), metadataOf()),
    ends: (handler: string) => serving.delete(handler),
    fail(error: RuntimeError | undefined) {
      fails = error;
    },
    /** Time passes, and what follows from it is done. */
    async pass(ms: number) {
      clock.advance(ms);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    },
  };
}

describe("a version that serves", () => {
  it("is kept at once where it may be needed", async () => {
    const { serves, needs, kept } = stage();
    serves("save", "v1");
    await needs("save", "v1");
    expect(kept).toEqual(["save v1"]);
  });

  it("is kept once it has served for a moment, and not before", async () => {
    const { serves, pass, kept, events } = stage();
    serves("save", "v1");
    await pass(4_999);
    expect(kept).toEqual([]);
    await pass(1);
    expect(kept).toEqual(["save v1"]);
    expect(events).toEqual([{ type: "version.kept", handler: "save", version: "v1" }]);
  });

  it("is not kept when it was replaced before, or did not stay up (V1)", async () => {
    const { serves, ends, pass, kept } = stage();
    serves("save", "v1");
    await pass(3_000);
    serves("save", "v2");
    serves("list", "v7");
    await pass(3_000);
    ends("list");
    await pass(3_000);
    expect(kept).toEqual(["save v2"]);
  });

  it("that may not be kept is told once for the reason, whichever handler's (V2)", async () => {
    const { serves, pass, fail, events } = stage();
    fail(new RuntimeError("NATS_REFUSED", "the versions of handlers may not be written", { remedy: "Allow it." }));
    for (const handler of ["save", "list", "save"]) {
      serves(handler, "v1");
      await pass(5_000);
    }
    expect(events).toMatchObject([{ type: "runtime.notice", level: "warn" }]);
    expect(events[0]).toMatchObject({ message: expect.stringContaining("Allow it.") });
  });

  it("is tried again while the server does not answer, quietly", async () => {
    const { serves, pass, fail, events, kept } = stage();
    fail(new RuntimeError("NATS_UNREACHABLE", "NATS is gone"));
    serves("save", "v1");
    await pass(5_000);
    fail(undefined);
    await pass(30_000);
    expect(kept).toEqual(["save v1"]);
    expect(events.map(({ type }) => type)).toEqual(["version.kept"]);
  });

  it("leaves no timer when the runtime ends", async () => {
    const { serves, keeper, clock } = stage();
    serves("save", "v1");
    await keeper.close();
    expect(clock.pending).toBe(0);
  });
});
