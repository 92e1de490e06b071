import { describe, expect, it } from "vitest";
import type { ReportedHandler, StatusReply } from "../../../runtime/control/control-protocol.ts";
import { planRollback } from "../../../runtime/operate/roll-back.ts";
import type { KeptVersion } from "../../../runtime/versions/kept-version.ts";

type Standing = Pick<ReportedHandler, "version" | "ownVersion">;

function replies(...standings: readonly Standing[]): StatusReply[] {
  return standings.map((standing, at) => ({
    replica: { instance: String(at), host: "here", pid: at, startedAtMs: at },
    handlers: [{ name: "save", ...standing } as ReportedHandler],
  }));
}

const kept = ["c3", "b2", "a1"].map((version) => ({ version }) as KeptVersion);
const plan = (word: string | undefined, ...standings: readonly Standing[]) =>
  planRollback("shop", "save", word, replies(...standings), kept);

describe("a rollback", () => {
  it("without a version goes to the one before, from what the replicas have", () => {
    expect(plan(undefined, { version: "c3" }, { version: "c3" })).toEqual({ to: "b2", from: ["c3"] });
  });

  it("said once more goes back one more, from the same", () => {
    expect(plan(undefined, { version: "b2", ownVersion: "c3" })).toEqual({ to: "a1", from: ["c3"] });
  });

  it("in the middle of a deployment leads away from the newer one, and leaves the others alone", () => {
    expect(plan(undefined, { version: "b2" }, { version: "c3" })).toEqual({ to: "b2", from: ["c3"] });
  });

  it("of a version that does not come up goes to what the other replicas serve", () => {
    expect(plan(undefined, { version: "c3" }, { ownVersion: "new" })).toEqual({ to: "c3", from: ["new"] });
    expect(plan(undefined, { ownVersion: "new" })).toEqual({ to: "c3", from: ["new"] });
  });

  it("to what the replicas have of their own is none", () => {
    expect(plan("c", { version: "b2", ownVersion: "c3" })).toEqual({ to: "c3", from: [] });
    expect(plan("new", { version: "b2", ownVersion: "new" })).toEqual({ to: "new", from: [] });
  });

  it("is refused where there is no such version, none before, or nobody to ask", () => {
    expect(() => plan("ff", { version: "c3" })).toThrow(
      expect.objectContaining({ code: "VERSION_NOT_KEPT", remedy: "These are kept: c3, b2, a1." }),
    );
    expect(() => plan(undefined, { version: "a1" })).toThrow(expect.objectContaining({ code: "VERSION_NOT_KEPT" }));
    expect(() => plan(undefined)).toThrow(expect.objectContaining({ code: "NATS_UNREACHABLE" }));
  });
});
