// `handlers dev`: serve, show what happens, follow the files.

import { isAbsolute, relative } from "node:path";
import { systemClock } from "../../clock.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { RuntimeError } from "../../errors.ts";
import type { Emit } from "../../events.ts";
import { didYouMean } from "../../metadata/nearest.ts";
import { thresholdOf } from "../../observe/log-level.ts";
import { createDevLog } from "../../observe/log-terminal.ts";
import { printError, type Terminal } from "../../terminal/terminal.ts";
import { watchConfig } from "../config-watch.ts";
import type { ExitCode } from "../exit-code.ts";
import { loadProject } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";
import { logOutput } from "../log-output.ts";
import { packageVersion } from "../package-version.ts";
import { startPageBeside } from "../page-beside.ts";
import { serve } from "../serve.ts";

interface DevOptions {
  readonly port: string;
  readonly inspect?: readonly string[];
  /** Undefined: at a terminal. */
  readonly ui?: boolean;
}

export async function dev({ terminal, options }: Invocation<DevOptions>): Promise<ExitCode> {
  const natsPort = readPort("--port", options.port, 0);
  const inspect = readInspect(options.inspect ?? []);
  const load = () => loadProject(terminal, options, "dev");
  const config = await load();
  const { out } = terminal;
  let threshold = thresholdOf(config.logLevel, config.logLevels);
  const log = logOutput(out, (message) => emit({ type: "runtime.notice", level: "warn", message }));
  const emit = createDevLog({
    paint: out.paint,
    columns: () => out.columns,
    level: (handler) => threshold(handler),
    nowMs: () => systemClock.monotonicMs(),
    write: (text) => log.write(text),
  });
  const head = `· app ${config.app} · ${where(config, terminal)}`;
  log.write(`${out.paint("bold", "nats-handlers")} ${packageVersion()} ${out.paint("dim", head)}\n`);
  const { servers } = config.nats;
  if (servers !== undefined) onProgress(`connecting to ${servers.join(", ")}`);
  const runtime = { config, mode: "dev", emit, environment: terminal.env, onProgress, natsPort, inspect } as const;
  return serve({
    runtime,
    // Past the ^C that the terminal shows.
    onAsked: () => log.write(out.isTerminal ? "\n" : ""),
    onReady(running) {
      tellUnknownNames(
        inspect,
        running.status().map(({ name }) => name),
        emit,
      );
      const onChange = (now: ResolvedConfig, changed: readonly string[]) => {
        threshold = thresholdOf(now.logLevel, now.logLevels);
        tellChange(changed, emit);
      };
      const onError = (error: unknown) => {
        printError(terminal, error);
        emit({ type: "runtime.notice", level: "warn", message: "the configuration of the start stays in force" });
      };
      const watching = watchConfig({ config, clock: systemClock, load, onChange, onError });
      const { onLine } = terminal;
      const how = onLine && "o and Enter open it";
      const page = (options.ui ?? out.isTerminal) ? startPageBeside(options, emit, how) : undefined;
      const deaf = page && onLine?.((line) => line.toLowerCase() === "o" && page.open());
      return {
        close() {
          deaf?.();
          watching.close();
          page?.close();
        },
      };
    },
  }).finally(() => log.close());

  function onProgress(line: string): void {
    log.write(`${out.paint("dim", line)}\n`);
  }
}

function where({ handlersDir }: ResolvedConfig, { cwd }: Terminal): string {
  const shown = relative(cwd, handlersDir);
  return isAbsolute(shown) || shown.startsWith("..") ? handlersDir : `${shown}/`;
}

/** The one thing that is applied while running is how loud the log is. */
function tellChange(changed: readonly string[], emit: Emit): void {
  const others = changed.filter((name) => name !== "logLevel" && name !== "logLevels");
  const restart = `changed: ${others.join(", ")}. Restart \`handlers dev\` to apply it`;
  const message = others.length === 0 ? "the log level has changed" : restart;
  emit({ type: "runtime.notice", level: others.length === 0 ? "info" : "warn", message: `configuration: ${message}` });
}

function tellUnknownNames(inspect: ReadonlyMap<string, number>, known: readonly string[], emit: Emit): void {
  for (const name of inspect.keys()) {
    if (known.includes(name)) continue;
    const message = `--inspect: there is no handler "${name}".${didYouMean(name, known)}`;
    emit({ type: "runtime.notice", level: "warn", message });
  }
}

const FIRST_INSPECT_PORT = 9229;

/** `todo/save:9300`; without a port the first free number from 9229 on. */
function readInspect(words: readonly string[]): ReadonlyMap<string, number> {
  const ports = new Map<string, number>();
  let next = FIRST_INSPECT_PORT;
  for (const word of words) {
    const [name = "", port] = word.split(":");
    ports.set(name, port === undefined ? next++ : readPort("--inspect", port, 1));
  }
  return ports;
}

function readPort(option: string, word: string, least: number): number {
  const port = Number(word);
  if (/^\d+$/.test(word) && port >= least && port <= 65_535) return port;
  throw new RuntimeError("USAGE", `${option} needs a port from ${least} to 65535; received ${JSON.stringify(word)}`);
}
