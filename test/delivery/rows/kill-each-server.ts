// Kills one server of a cluster after another under load, each back before the next goes. Meanwhile an operator turns a handler
// off and on and has it built again, and somebody asks another handler all the time. What it takes is printed.

import { systemClock } from "../../../runtime/clock.ts";
import type { Scene } from "../scene.ts";

/** Between two requests. */
const ASK_EVERY_MS = 20;
const ANSWER_MS = 5_000;
/** Published while a server is away. */
const MEANWHILE = 100;

interface Disabled {
  readonly keptBy: string;
  readonly tookMs: number;
}

export async function eachServerOfCluster(scene: Scene): Promise<void> {
  const asking = askAllTheTime(scene);
  const took: string[] = [];
  const disable = async () => {
    const startedAtMs = systemClock.monotonicMs();
    const { keptBy, tookMs } = JSON.parse(await scene.command("disable", "count", "--json")) as Disabled;
    const wholeMs = Math.round(systemClock.monotonicMs() - startedAtMs);
    took.push(`disabled in ${Math.round(tookMs)} ms (the command ${wholeMs} ms), kept by the ${keptBy}`);
  };
  for (const server of scene.servers) {
    await server.kill();
    await disable();
    await scene.load.more(MEANWHILE);
    await scene.command("enable", "count");
    await scene.command("reload", "count");
    await server.restart();
    await scene.untilTaken(() => inStep(scene));
  }
  const { asked, answered, failed } = await asking.stop();
  console.log(
    `${took.join(", ")}; of ${asked} requests ${answered} answered, ${[...failed].join("; ") || "none failed"}`,
  );
}

/** Throws while some server has not caught up: to kill the next one then would take two of three away. */
async function inStep({ admin }: Scene): Promise<void> {
  for await (const { config, cluster } of admin.streams.list()) {
    const behind = (cluster?.replicas ?? []).filter(({ current }) => !current);
    if (cluster?.leader === undefined || behind.length > 0)
      throw new Error(`"${config.name}" is not on all servers yet`);
  }
}

function askAllTheTime({ client }: Scene) {
  const failed = new Map<string, number>();
  const under: Promise<unknown>[] = [];
  let answered = 0;
  const ask = async () => {
    try {
      await client.request("ask.answer", JSON.stringify({ id: 0 }), { timeout: ANSWER_MS });
      answered++;
    } catch (error) {
      const { name } = error as Error;
      failed.set(name, (failed.get(name) ?? 0) + 1);
    }
  };
  const timer = systemClock.every(ASK_EVERY_MS, () => void under.push(ask()));
  return {
    async stop() {
      timer.cancel();
      await Promise.all(under);
      return { asked: under.length, answered, failed };
    },
  };
}
