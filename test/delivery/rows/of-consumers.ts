// What an administrator does to the consumer of a handler.

import type { Row } from "../row.ts";

export const CONSUMER_ROWS: readonly Row[] = [
  { name: "the consumer is deleted", change: (scene) => scene.deleteConsumers() },
  {
    name: "the consumer is deleted and a replica is killed",
    letter: ({ reason }, { does }) => does !== "ends" && reason === "attempts-used",
    async change(scene) {
      await scene.deleteConsumers();
      await scene.fleet.at(0).kill();
      await scene.fleet.ready();
    },
  },
  {
    name: "the consumer may have ten messages in hand",
    change: (scene) => scene.editConsumers({ max_ack_pending: 10 }),
  },
  {
    name: "the consumer's ack_wait is a second",
    change: (scene) => scene.editConsumers({ ack_wait: 1_000_000_000 }),
  },
  {
    name: "the consumer hands out four at a time, for two seconds",
    change: (scene) => scene.editConsumers({ max_batch: 4, max_expires: 2_000_000_000 }),
  },
  {
    name: "the consumer delivers each message twice at most",
    letter: ({ reason, text }, { does }) =>
      does !== "ends" && reason === "attempts-used" && text.includes("max_deliver"),
    change: (scene) => scene.editConsumers({ max_deliver: 2 }),
  },
  {
    name: "the consumer is paused for two seconds",
    apiLevel: 1,
    async change(scene) {
      for (const { stream_name, name } of await scene.consumers())
        await scene.admin.consumers.pause(stream_name, name, new Date(Date.now() + 2_000));
    },
  },
];
