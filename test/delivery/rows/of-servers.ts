// What happens to the nats-server, and to the way there.

import { fileURLToPath } from "node:url";
import { ended, freeze } from "../../support/processes.ts";
import { STREAM } from "../names.ts";
import type { Row } from "../row.ts";
import { eachServerOfCluster } from "./kill-each-server.ts";

const CLOCK_AHEAD = fileURLToPath(new URL("../clock-ahead.mjs", import.meta.url));
/** A server that is killed forgets its last words: an attempt that it counted, or a letter's reason that was beside it. */
const SERVER_FORGETS: Pick<Row, "letter"> = {
  letter: ({ reason }, { does }) => does !== "ends" && reason === "attempts-used",
};

export const SERVER_ROWS: readonly Row[] = [
  {
    name: "the server is killed, and back",
    ...SERVER_FORGETS,
    async change(scene) {
      await scene.server.kill();
      await scene.server.restart();
    },
  },
  { name: "the server is restarted", change: (scene) => scene.server.restart() },
  {
    name: "the server stands still for three seconds",
    async change(scene) {
      await freeze(scene.server.pid);
      await scene.lasts(3_000);
      process.kill(scene.server.pid, "SIGCONT");
    },
  },
  {
    name: "the server is shut down gently, and back",
    server: 'lame_duck_grace_period: "200ms", lame_duck_duration: "30s"',
    async change(scene) {
      process.kill(scene.server.pid, "SIGUSR2");
      await ended(scene.server.pid);
      await scene.server.restart();
    },
  },
  {
    name: "the connection is cut for two seconds",
    proxied: true,
    async change(scene) {
      scene.proxy?.cut();
      await scene.lasts(2_000);
      scene.proxy?.mend();
    },
  },
  {
    name: "nothing passes the connection for ten seconds",
    proxied: true,
    async change(scene) {
      scene.proxy?.stall();
      await scene.lasts(10_000);
      scene.proxy?.mend();
    },
  },
  {
    name: "of a cluster of three the stream's leader is killed, and back",
    cluster: true,
    ...SERVER_FORGETS,
    async change(scene) {
      const { cluster } = await scene.admin.streams.info(STREAM);
      const leader = scene.servers[Number(cluster?.leader?.slice(1))]!;
      await leader.kill();
      await scene.load.more(300);
      await leader.restart();
    },
  },
  {
    name: "of a cluster of three one server after another is killed, and back, while a handler is turned off and on",
    cluster: true,
    perSecond: 100,
    timeoutMs: 240_000,
    apps: { shop: [{}, { name: "answer", by: "answer", subject: "ask.answer", kind: "request" }] },
    takers: () => ["count"],
    change: eachServerOfCluster,
  },
  {
    name: "of a cluster of three the stream's leader steps down",
    cluster: true,
    async change(scene) {
      for (const { name } of await scene.consumers()) {
        await scene.client.request(`$JS.API.CONSUMER.LEADER.STEPDOWN.${STREAM}.${name}`);
        await scene.load.more(200);
      }
      await scene.client.request(`$JS.API.STREAM.LEADER.STEPDOWN.${STREAM}`);
    },
  },
  {
    name: "a replica's clock is two hours ahead",
    apps: { shop: [{ metadata: 'expires: "1h",' }] },
    env: (at) => (at === 1 ? { NODE_OPTIONS: `--import=${CLOCK_AHEAD}` } : {}),
    change: (scene) => scene.fleet.roll(),
  },
];
