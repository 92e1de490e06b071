import { expect, it } from "vitest";
import { metadataLines } from "../../../runtime/page/client/metadata-text.ts";

it("a handler's metadata is told in words, its units with the values", () => {
  const metadata = {
    kind: "durable",
    subjects: ["orders.*"],
    timeoutMs: 10_000,
    expiresMs: 0,
    retry: { attempts: 5, backoffMs: [250, 5_000] },
    env: [],
    uses: { kv: ["prices"], objects: [] },
    exclusive: false,
    memoryMiB: 256,
    maxQueued: 1_024,
    maxQueuedBytes: 33_554_432,
    from: { kind: "all" },
  };
  expect(Object.fromEntries(metadataLines(metadata))).toEqual({
    timeout: "10 s",
    expires: "off",
    retry: "attempts 5, backoff 250 ms, 5 s",
    env: "none",
    uses: "kv prices, objects none",
    exclusive: "no",
    memory: "256 MiB",
    maxQueued: "1,024",
    maxQueuedBytes: "34 MB",
    from: "kind all",
  });
});
