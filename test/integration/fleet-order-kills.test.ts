// `orderBy: { wildcard }` and `{ field }` with replicas that may do what `handlers permissions` prints, one of which is killed.

import { readFileSync } from "node:fs";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { isSince } from "../../runtime/nats/server-version.ts";
import { chosenServer } from "../support/chosen-server.ts";
import { type CliProcess, runCli, startCli } from "../support/cli-process.ts";
import { startTestServer } from "../support/nats-server.ts";
import { childProcesses, noneLeft } from "../support/processes.ts";
import { createProject } from "../support/project.ts";

interface Ran {
  readonly key: string;
  readonly n: number;
  readonly attempt: number;
}

const KEYS = 16;
const COUNT = 400;
/** A step a time, so that each replica has something in hand when it is killed. */
const follow = (key: string) => `
  export const metadata = {
    subject: "shop.*.changed", kind: "durable", stream: "SHOP", orderBy: { ${key}, partitions: 8 }, publishes: ["ran"],
  };
  export default async ({ n }, ctx) => {
    await ctx.publish("ran", { key: ctx.wildcards[0], n, attempt: ctx.attempt });
    await new Promise((resolve) => setTimeout(resolve, 5));
  };`;

it.for(["wildcard: 0", 'field: "key"'])(
  "by %s: a replica that is killed loses nothing and lets nothing overtake; both may do no more than is printed",
  async (key, { skip }) => {
    const { version } = await chosenServer(() => undefined);
    if (!isSince(version, [2, 10])) skip("before 2.10");
    const project = createProject({ "follow.js": follow(key) });
    onTestFinished(() => project.end());
    const printed = async (user: string, purpose: string) => {
      const { stdout } = await runCli(["permissions", "--for", purpose, "--app", "shop"], { cwd: project.rootDir });
      return `{ user: ${user}, password: secret\n${stdout}}`;
    };
    const users = [
      await printed("admin", "provision"),
      await printed("runtime", "serve"),
      "{ user: all, password: secret }",
    ];
    const server = await startTestServer({ config: `authorization { users: [\n${users.join("\n")}\n] }` });
    onTestFinished(() => server.stop());
    const before = childProcesses();
    const connection = await connect({ servers: server.url, user: "all", pass: "secret" });
    onTestFinished(() => connection.close());
    await (await jetstreamManager(connection)).streams.add({ name: "SHOP", subjects: ["shop.>"] });

    const start = async (user: string, ...args: string[]): Promise<CliProcess> => {
      const env = { NATS_URL: server.url, NATS_USER: user, NATS_PASSWORD: "secret", HANDLERS_HTTP_PORT: "0" };
      const started = startCli(["start", "--app", "shop", ...args], { cwd: project.rootDir, env });
      await started.printed(/"event":"runtime.ready".*"serving":1/);
      return started;
    };
    const stopped = async ({ child, ended }: CliProcess) => {
      child.kill("SIGTERM");
      expect(await ended).toMatchObject({ code: 0 });
    };
    await stopped(await start("admin", "--provision"));

    const [killed, survivor] = [await start("runtime"), await start("runtime")];
    const ran: Ran[] = [];
    let onRun = () => {};
    connection.subscribe("ran", {
      callback: (_error, message) => {
        ran.push(message.json<Ran>());
        onRun();
      },
    });
    const when = (holds: () => boolean) =>
      new Promise<void>((resolve) => {
        onRun = () => holds() && resolve();
        onRun();
      });
    const js = jetstream(connection);
    for (let from = 0; from < COUNT; from += 100) {
      const some = Array.from({ length: 100 }, (_, at) => from + at);
      await Promise.all(
        some.map((n) => js.publish(`shop.k${n % KEYS}.changed`, JSON.stringify({ n, key: `k${n % KEYS}` }))),
      );
    }
    await when(() => ran.length > COUNT / 4);
    killed.child.kill("SIGKILL");
    await killed.ended;
    const handled = () => new Set(ran.map(({ n }) => n));
    await when(() => handled().size === COUNT);

    // What it had in hand runs once more: nothing of its key has begun meanwhile.
    const again = ran.filter(({ attempt }) => attempt > 1);
    expect(again.length).toBeLessThanOrEqual(8);
    const last = new Map<string, number>();
    const outOfTurn = ran.filter(({ key, n }) => {
      const previous = last.get(key);
      last.set(key, n);
      return previous !== undefined && n !== previous && n !== previous + KEYS;
    });
    expect(outOfTurn).toEqual([]);
    await stopped(survivor);
    const lines = readFileSync(server.logFile, "utf8").split("\n");
    expect(lines.filter((line) => /Violation/.test(line))).toEqual([]);
    await noneLeft(before);
  },
);
