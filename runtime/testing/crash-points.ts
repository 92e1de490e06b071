// "Handlers must be idempotent", tried out: the handler's process is killed after each thing it does, its message comes again,
// and what has happened twice is shown.

import { relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { CrashPoint, CrashPoints, SentMessage } from "../../sdk/testing.ts";
import { createBundler } from "../bundle/bundler.ts";
import { prepareWorkerProgram } from "../bundle/worker-program.ts";
import { prepareStateFolder, stateFolderOf } from "../state-folder.ts";
import { encodePayload } from "../worker/encode-payload.ts";
import type { CrashOrder } from "./crash-report.ts";
import { type CrashRun, crashRun } from "./crash-run.ts";

/** A loop comes to the same place again and again: its first times tell all that the later ones would. */
const TIMES_AT_ONE_PLACE = 2;

/** See `CrashPoints`. */
export const crashPoints: CrashPoints = async (file, payload, options = {}) => {
  const path = typeof file === "string" && !file.startsWith("file:") ? resolve(file) : fileURLToPath(file);
  const rootDir = resolve(options.root ?? ".");
  const { before, after, answer, env, attempt = 1, subject, headers, sequence, timeout } = options;
  const built = await buildOf(path, rootDir);
  try {
    const order: CrashOrder = {
      ...{ bundleUrl: pathToFileURL(built.path).href, rootDir, displayPath: displayOf(rootDir, path) },
      ...{ payload: Buffer.from(encodePayload(payload, "the payload")).toString("base64") },
      ...{ subject, headers, sequence, attempt, timeout },
    };
    const run = (more: Partial<CrashOrder>) =>
      crashRun({ order: { ...order, ...more }, env: { ...process.env, ...env }, answer });
    await before?.();
    const whole = await run({});
    const points: CrashPoint[] = [];
    for (const [index, at] of worthTrying(whole.points)) {
      await before?.();
      const killed = await run({ killAt: index + 1 });
      const again = await run({ attempt: attempt + 1, kept: killed.kept });
      const point = { at, again: runOf(again), ...compared(killed.published, again.published) };
      points.push(point);
      await after?.(point);
    }
    return points;
  } finally {
    await built.remove();
  }
};

async function buildOf(path: string, rootDir: string) {
  const stateDir = stateFolderOf(rootDir);
  await prepareStateFolder(stateDir);
  const { sdkUrl } = await prepareWorkerProgram(stateDir);
  const bundler = createBundler({ rootDir, buildDir: resolve(stateDir, "build"), sdkUrl });
  const built = await bundler.build({ name: "handler", path, displayPath: displayOf(rootDir, path) });
  if (built.ok) return { path: built.bundle.path, remove: () => bundler.close() };
  await bundler.close();
  throw built.error;
}

function displayOf(rootDir: string, path: string): string {
  return relative(rootDir, path).split(sep).join("/");
}

function* worthTrying(points: readonly string[]): Generator<[index: number, at: string]> {
  const times = new Map<string, number>();
  for (const [index, at] of points.entries()) {
    const before = times.get(at) ?? 0;
    times.set(at, before + 1);
    if (before < TIMES_AT_ONE_PLACE) yield [index, at];
  }
}

function runOf({ report, published, requested, logs }: CrashRun): CrashPoint["again"] {
  return { ...report!, published, requested, logs };
}

/** What a stream has once, because the id is the same, and what it has twice. */
function compared(first: readonly SentMessage[], again: readonly SentMessage[]) {
  const ids = new Set(again.map(({ id }) => id));
  return {
    published: [...first, ...again],
    repeated: first.filter(({ id }) => ids.has(id)),
    orphaned: first.filter(({ id }) => !ids.has(id)),
  };
}
