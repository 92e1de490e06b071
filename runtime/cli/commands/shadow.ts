// `handlers shadow NAME`: what the version in the working tree would do differently, tried on messages that were stored.

import { resolve } from "node:path";
import { systemClock } from "../../clock.ts";
import { withVersions } from "../../compose/shadow-versions.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { RuntimeError } from "../../errors.ts";
import type { ResolvedMetadata } from "../../metadata/handler-metadata.ts";
import type { NatsConnection } from "../../nats/connection.ts";
import { keepReport } from "../../shadow/kept-report.ts";
import { messagesOf } from "../../shadow/messages-of.ts";
import { shadow as runShadow } from "../../shadow/shadow.ts";
import { Progress } from "../../terminal/progress.ts";
import { printError, printLine, type Terminal } from "../../terminal/terminal.ts";
import { sessionOf } from "../control-session.ts";
import { readCount } from "../dead-letter-filter.ts";
import { type ExitCode, exitCodeOf } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { withConnection } from "../nats-client.ts";
import { checkOptions } from "../project-check.ts";
import { printShadow } from "../shadow-text.ts";
import { readPast } from "../time-options.ts";
import { buildIn, livePlace, type Place, placeOf, workingTree } from "../version-place.ts";

export interface ShadowOptions {
  readonly from: string;
  readonly limit: string;
  readonly against: string;
  readonly build?: string;
  readonly json?: boolean;
}

const DIFFERENT: ExitCode = 1;
const COULD_NOT: ExitCode = 2;

/** 0: no difference; 1: differences; 2 and above: it could not be found out. Never rejects. */
export async function shadow(name: string, { terminal, options }: Invocation<ShadowOptions>): Promise<ExitCode> {
  try {
    const limit = readCount("--limit", options.limit);
    const fromMs = readPast("--from", options.from, systemClock.nowMs());
    return await withConnection(terminal, options, async (connection, config) => {
      const { build } = options;
      const after =
        build === undefined
          ? workingTree(config)
          : await buildIn(resolve(terminal.cwd, build), config, terminal, options);
      const before =
        options.against === "live"
          ? await livePlace(name, config, sessionOf(connection, config))
          : await placeOf(options.against, config, terminal, options);
      try {
        return await compare({ name, fromMs, limit, before, after, connection, config }, terminal, options);
      } finally {
        await before.close();
      }
    });
  } catch (error) {
    printError(terminal, error);
    const code = exitCodeOf(error);
    return code === DIFFERENT ? COULD_NOT : code;
  }
}

interface Comparing {
  readonly name: string;
  readonly fromMs: number;
  readonly limit: number;
  readonly before: Place;
  readonly after: Place;
  readonly connection: NatsConnection;
  readonly config: ResolvedConfig;
}

async function compare(comparing: Comparing, terminal: Terminal, options: ShadowOptions): Promise<ExitCode> {
  const { name: handler, fromMs, limit, before, after, connection, config } = comparing;
  const { app, streams } = config;
  const declared = streams.map(({ name }) => name);
  let stream = "";
  const messages = async (metadata: ResolvedMetadata) => {
    const about = { connection, app, declared, handler, metadata, clock: systemClock };
    const found = await messagesOf({ ...about, begin: { fromMs }, limit });
    stream = found.stream;
    return found;
  };
  const places = [before, after].map((place) => ({ ...checkOptions(terminal, place.config), ...place, connection }));
  printLine(terminal.err, EFFECTS);
  const shadowed = await withVersions(handler, places, async ([older, newer]) => {
    const progress = new Progress(terminal.err, limit);
    const onProgress = (done: number) => progress.update(done);
    return runShadow({ before: older!, after: newer!, messages, onProgress }).finally(() => progress.end());
  });
  const title = { handler, stream, before: before.where, after: after.where };
  if (options.json === true) printLine(terminal.out, JSON.stringify({ ...title, ...shadowed }, null, 2));
  else if (shadowed.messages > 0) printShadow(shadowed, title, terminal.out);
  if (shadowed.messages === 0) throw nothingThere(title, options);
  // For the page. What was found out is told, whether or not it can be kept.
  await keepReport(config.stateDir, { atMs: systemClock.nowMs(), ...title, ...shadowed }).catch(() => undefined);
  return shadowed.differences.length === 0 ? 0 : DIFFERENT;
}

const EFFECTS =
  "each message is run three times; what the handler does outside of NATS is done, unless it looks at ctx.shadow";

function nothingThere({ handler, stream }: { handler: string; stream: string }, { from }: ShadowOptions): RuntimeError {
  return new RuntimeError("USAGE", `stream "${stream}" has no message for handler "${handler}" since ${from}`, {
    handler,
    remedy: "Say with --from how far back to go; a work queue keeps no message that was handled.",
  });
}
