// The page of a thousand handlers that are not there: who answers for them is this process. Sixty of them change with every look.

import { systemClock } from "../../runtime/clock.ts";
import { startCli } from "../support/cli-process.ts";
import { connectClient } from "../support/client.ts";
import { startTestServer } from "../support/nats-server.ts";
import { createProject } from "../support/project.ts";

export interface Crowd {
  /** With the token. */
  readonly url: string;
  /** How often it was asked how they stand. */
  readonly looks: number;
  end(): Promise<void>;
}

const MANY = 1_000;
const CHANGING = 60;

/** @param others names besides, and the error of the one that is in trouble is the first of them */
export async function serveCrowd(others: readonly string[], ...options: readonly string[]): Promise<Crowd> {
  const server = await startTestServer();
  const { connection } = await connectClient(server.url);
  const names = Array.from({ length: MANY }, (_, at) => `team${at % 20}/handler-${String(at).padStart(4, "0")}`);
  const replica = { instance: "i1", host: "h", pid: 1, startedAtMs: systemClock.nowMs() };
  let looks = 0;
  connection.subscribe("_HANDLERS.big.status", {
    callback: (_error, message) => {
      looks++;
      const handlers = [...names, ...others].map((name, at) =>
        handlerNamed(name, at, at < CHANGING ? looks : 7, others[0] ?? "it ended"),
      );
      message.respond(JSON.stringify({ replica, handlers }));
    },
  });
  await connection.flush();
  const project = createProject();
  const args = ["ui", "--port", "0", "--app", "big", ...options, "--server", server.url];
  const ui = startCli(args, { cwd: project.rootDir });
  const [, url = ""] = await ui.printed(/big: (http:\S+)/);
  return {
    url,
    get looks() {
      return looks;
    },
    async end() {
      ui.child.kill("SIGTERM");
      await ui.ended;
      project.end();
      await connection.close();
      await server.stop();
    },
  };
}

function handlerNamed(name: string, at: number, handled: number, trouble: string) {
  return {
    ...{
      name,
      file: `handlers/${name}.ts`,
      state: at === 500 ? "quarantined" : at % 50 === 1 ? "disabled" : "serving",
    },
    ...{ kind: "event", subject: `s.${name}`, version: "v1234567890", inFlight: 0, queued: 0, handled, failed: 0 },
    ...{ p50Ms: 1, p99Ms: 2, durations: [handled], reloads: 0, restarts: 0, pids: [1] },
    ...(at === 500 ? { lastError: { code: "WORKER_CRASHED", message: trouble, atMs: 1 } } : {}),
  };
}
