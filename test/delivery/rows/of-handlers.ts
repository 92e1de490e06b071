// What happens to a handler's file, and to its processes.

import type { HandlerSpec } from "../contender.ts";
import { type Row, USUAL_HANDLER } from "../row.ts";
import type { Scene } from "../scene.ts";

const handler = (change: Partial<HandlerSpec>): HandlerSpec => ({ ...USUAL_HANDLER, ...change });
/** The usual stream takes it too. */
const OTHER_SUBJECT = "row.other.*";
const version = (name: string) => ({ handlers: [handler({ version: name })] });
const ran = (scene: Scene, name: string) => scene.ledger.until((runs) => runs.some((run) => run.version === name));

/** What is not known until the last attempt is over: the host may have died in it. */
const HOST_DIES: Pick<Row, "letter"> = {
  letter: ({ reason }, { does }) => does !== "ends" && reason === "attempts-used",
};

export const HANDLER_ROWS: readonly Row[] = [
  {
    name: "a handler is saved",
    mode: "dev",
    async change(scene) {
      scene.fleet.save(version("two"));
      await ran(scene, "two");
      scene.fleet.save(version("three"));
      await ran(scene, "three");
    },
  },
  {
    name: "a handler is saved with a syntax error, and mended",
    mode: "dev",
    async change(scene) {
      scene.fleet.save({ handlers: [handler({ version: "two", metadata: "}} broken" })] });
      await scene.ledger.more(300);
      scene.fleet.save(version("three"));
      await ran(scene, "three");
    },
  },
  {
    name: "a handler's file is renamed",
    mode: "dev",
    async change(scene) {
      scene.fleet.save({ handlers: [handler({ name: "tally", version: "two" })] });
      await ran(scene, "two");
    },
  },
  {
    name: "a handler's file is removed, and put back",
    mode: "dev",
    async change(scene) {
      scene.fleet.save({ handlers: [] });
      await scene.load.more(500);
      scene.fleet.save(version("two"));
      await ran(scene, "two");
    },
  },
  {
    name: "a handler becomes an event handler, and durable again",
    mode: "dev",
    async change(scene) {
      scene.fleet.save({ handlers: [handler({ version: "two", kind: "event" })] });
      await ran(scene, "two");
      await scene.load.more(300);
      scene.fleet.save(version("three"));
      await ran(scene, "three");
    },
  },
  {
    name: "a handler is disabled by an operator, and enabled",
    async change(scene) {
      await scene.command("disable", "count");
      await scene.load.more(300);
      await scene.command("enable", "count");
    },
  },
  {
    name: "a handler is disabled with --now, and enabled",
    async change(scene) {
      await scene.command("disable", "count", "--now");
      await scene.command("enable", "count");
    },
  },
  {
    name: "a handler is reloaded by an operator",
    change: (scene) => scene.command("reload", "count"),
  },
  {
    name: "the app is rolled out anew, replica by replica",
    async change(scene) {
      await scene.fleet.roll(version("two"));
    },
  },
  {
    name: "the handler's subject is changed by a rolling update, and changed back",
    async change(scene) {
      await scene.fleet.roll({ handlers: [handler({ subject: OTHER_SUBJECT, version: "two" })] });
      await scene.load.more(300);
      await scene.fleet.roll(version("three"));
    },
  },
  {
    name: "the handler's subject is changed by a save, and changed back",
    mode: "dev",
    async change(scene) {
      scene.fleet.save({ handlers: [handler({ subject: OTHER_SUBJECT, version: "two" })] });
      await scene.load.more(500);
      scene.fleet.save(version("three"));
      await ran(scene, "three");
    },
  },
  {
    name: "a worker is killed",
    async change(scene) {
      for (const replica of scene.fleet.replicas) {
        await replica.killWorker();
        await scene.ledger.more(200);
      }
    },
  },
  {
    name: "a supervisor is killed",
    ...HOST_DIES,
    async change(scene) {
      await scene.fleet.at(0).kill();
      await scene.fleet.ready();
    },
  },
  {
    name: "all supervisors are killed at once",
    ...HOST_DIES,
    async change(scene) {
      await Promise.all(scene.fleet.replicas.map((replica) => replica.kill()));
      await scene.fleet.ready();
    },
  },
  {
    name: "a supervisor stands still for three seconds",
    async change(scene) {
      await scene.fleet.at(0).freeze();
      await scene.lasts(3_000);
      scene.fleet.at(0).goOn();
    },
  },
  {
    name: "a replica goes for good, and another comes",
    replicas: 3,
    async change(scene) {
      await scene.fleet.at(2).stop();
      await scene.ledger.more(300);
      scene.fleet.at(2).start();
      await scene.fleet.ready();
    },
  },
  {
    name: "processes are replaced every hundred messages",
    apps: { shop: [{ metadata: "recycle: { messages: 100 }," }] },
    change: (scene) => scene.ledger.more(300),
  },
  {
    name: "messages of one key run in order",
    apps: { shop: [{ metadata: "orderBy: ({ id }) => id % 20, timeout: '10s'," }] },
    change: (scene) => scene.fleet.at(0).killWorker(),
  },
];
