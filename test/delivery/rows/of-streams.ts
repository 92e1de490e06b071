// What an administrator does to a stream, and what a stream may be.

import { RetentionPolicy } from "@nats-io/jetstream";
import { STREAM } from "../names.ts";
import type { Row } from "../row.ts";
import type { Scene } from "../scene.ts";

const OUT = "OUT";
const addOut = (scene: Scene) => scene.admin.streams.add({ name: OUT, subjects: ["out.*"] });

/** Every message that was handled has been published on, once. */
async function checkForwarded(scene: Scene): Promise<void> {
  const { state } = await scene.admin.streams.info(OUT, { subjects_filter: ">" });
  for (const { deployed } of scene.fleets) {
    for (const { by, forward = "" } of deployed.handlers) {
      const ran = new Set(
        scene.ledger
          .runs()
          .filter((run) => run.by === by)
          .map(({ id }) => id),
      );
      const stored = state.subjects?.[forward] ?? 0;
      if (stored !== ran.size) throw new Error(`${by} handled ${ran.size} messages and published ${stored} on`);
    }
  }
}

export const STREAM_ROWS: readonly Row[] = [
  {
    name: "the stream's limits and subjects are edited",
    async change(scene) {
      await scene.admin.streams.update(STREAM, { max_age: 3_600_000_000_000, subjects: ["row.>", "more.>"] });
    },
  },
  {
    name: "the stream is purged",
    message: (id) => ({ id, does: "ends", ms: 60 }),
    async change(scene) {
      await scene.load.hold();
      scene.excuse(await scene.waiting());
      await scene.admin.streams.purge(STREAM);
      scene.load.resume();
    },
  },
  {
    name: "the stream is deleted and made again",
    apps: { shop: [{ forward: "out.count" }] },
    arrange: addOut,
    async change(scene) {
      await scene.quiet();
      await scene.remakeStreams();
      scene.load.resume();
    },
    check: checkForwarded,
  },
  {
    name: "the stream is replaced by one of another name",
    async change(scene) {
      await scene.quiet();
      await scene.admin.streams.delete(STREAM);
      await scene.addStream({ name: `${STREAM}_NEW` });
      scene.load.resume();
    },
  },
  {
    name: "the subject moves to another stream",
    async change(scene) {
      await scene.admin.streams.update(STREAM, { subjects: ["row-before.>"] });
      await scene.addStream({ name: `${STREAM}_NEW` });
      await scene.command("reload", "count");
    },
  },
  {
    name: "the stream is made after the handler",
    stream: "later",
    arrange: (scene) => scene.addStream(),
    change: async () => undefined,
  },
  {
    name: "the stream is a work queue, and a supervisor is killed",
    stream: { retention: RetentionPolicy.Workqueue },
    letter: ({ reason }, { does }) => does !== "ends" && reason === "attempts-used",
    async change(scene) {
      await scene.fleet.at(0).kill();
      await scene.fleet.ready();
    },
  },
  {
    name: "the stream keeps what is of interest, and the handler is disabled and enabled",
    stream: { retention: RetentionPolicy.Interest },
    async change(scene) {
      await scene.command("disable", "count");
      await scene.load.more(300);
      await scene.command("enable", "count");
    },
  },
  {
    name: "the handler reads a mirror, and the server is killed",
    arrange: (scene) => scene.admin.streams.add({ name: `${STREAM}_MIRROR`, mirror: { name: STREAM } }),
    apps: { shop: [{ metadata: `stream: "${STREAM}_MIRROR",` }] },
    change: restarted,
  },
  {
    name: "the handler reads a stream with sources, and the server is killed",
    arrange: (scene) => scene.admin.streams.add({ name: `${STREAM}_ALL`, sources: [{ name: STREAM }] }),
    apps: { shop: [{ metadata: `stream: "${STREAM}_ALL",` }] },
    change: restarted,
  },
  {
    name: "two apps have a handler of the same name on one stream",
    // Each of two apps runs it.
    perSecond: 250,
    apps: { shop: [{ by: "shop", forward: "out.shop" }], store: [{ by: "store", forward: "out.store" }] },
    arrange: addOut,
    change: (scene) => scene.fleets[1]!.roll(),
    check: checkForwarded,
  },
];

async function restarted(scene: Scene): Promise<void> {
  await scene.server.kill();
  await scene.server.restart();
}
