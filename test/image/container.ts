// The image as it is run: with its own entry point, user, folder and environment.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { lookUpProcess } from "../../runtime/dev-server/process-info.ts";
import type { Buildah } from "./buildah.ts";

export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly StopSignal: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

interface InspectedImage {
  readonly Docker: { readonly config: ImageConfig };
}

export async function imageConfig(buildah: Buildah, image: string): Promise<ImageConfig> {
  const inspected = JSON.parse(await buildah(["inspect", "--type", "image", image])) as InspectedImage;
  return inspected.Docker.config;
}

export interface Running {
  /** Of the process that would be 1 in a container. */
  readonly pid: number;
  /** Everything it has printed. */
  readonly text: () => string;
  /** Resolves with the match as soon as it is printed. Rejects when the process ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<number | null>;
}

export interface StartRequest {
  readonly buildah: Buildah;
  readonly container: string;
  readonly config: ImageConfig;
  readonly env: Readonly<Record<string, string>>;
  /** Instead of the image's own. */
  readonly command?: readonly string[];
}

/** Start the entry point; resolves when its process is there. */
export async function startContainer({ buildah, container, config, env, command }: StartRequest): Promise<Running> {
  const variables = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const words = [...config.Entrypoint, ...(command ?? config.Cmd)];
  const running = follow(buildah.start(["run", ...variables, container, "--", ...words]));
  await running.printed(/./);
  return { ...running, pid: mainProcess(running.pid) };
}

/** The output of a process, and its end. */
export function follow(child: ChildProcess): Running {
  let text = "";
  const looks = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (more: string) => {
      text += more;
      for (const look of looks) look();
    });
  }
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    pid: child.pid ?? 0,
    text: () => text,
    ended,
    printed(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const look = () => {
        const match = pattern.exec(text);
        if (match !== null) resolve(match);
      };
      looks.add(look);
      look();
      ended.then((code) => reject(new Error(`ended with ${code} before it printed ${pattern}:\n${text}`)));
      return promise.finally(() => looks.delete(look));
    },
  };
}

/** The process of the entry point, below the one that started it. */
export function mainProcess(pid: number): number {
  const found = processesBelow(pid).find((below) =>
    /^node \S*bin\/handlers /.test(lookUpProcess(below)?.command ?? ""),
  );
  if (found === undefined) throw new Error(`no process of the image runs below ${pid}`);
  return found;
}

/** Every process that this one has started, and those they have. */
export function processesBelow(pid: number): number[] {
  const all = readdirSync("/proc").map(Number).filter(Boolean);
  const children = all.filter((other) => lookUpProcess(other)?.parentPid === pid);
  return children.flatMap((child) => [child, ...processesBelow(child)]);
}

/** Since the process was started, to the hundredth of a second. */
export function ageMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const startedTicks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  const upSeconds = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
  return Math.round(upSeconds * 1_000 - startedTicks * 10);
}

/** Real user id of a process. */
export function userOf(pid: number): number {
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
