// `handlers permissions`: the least that a NATS user of this app must be allowed. Needs no NATS.

import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { matchesAny } from "../../control/handler-names.ts";
import { RuntimeError } from "../../errors.ts";
import { didYouMean } from "../../metadata/nearest.ts";
import { validateSubject } from "../../metadata/subject.ts";
import type { PermittedHandler } from "../../permissions/grant.ts";
import { type Permissions, PURPOSES, type Purpose, permissionsOf } from "../../permissions/permissions.ts";
import { MOST_ANSWERS, serverConfig } from "../../permissions/server-config.ts";
import { printLine, type Terminal } from "../../terminal/terminal.ts";
import { badIn, printCheck } from "../check-report.ts";
import type { ExitCode } from "../exit-code.ts";
import { buildOfContainer, loadProject } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";
import { listHere } from "../project-check.ts";

export interface PermissionsOptions {
  readonly for: string;
  readonly publish?: readonly string[];
  readonly answer?: readonly string[];
  readonly json?: boolean;
}

export async function permissions({ terminal, options }: Invocation<PermissionsOptions>): Promise<ExitCode> {
  const purpose = readPurpose(options.for);
  const asked = {
    publishes: readSubjects("--publish", options.publish),
    answers: readSubjects("--answer", options.answer),
  };
  const config = await loadProject(terminal, options, "start");
  const handlers = await goodHandlers(terminal, config);
  if (handlers === undefined) return 1;
  const { app, nats, streams, largePayloads } = config;
  const { inboxPrefix, domain } = nats;
  const wanted = permissionsOf(
    purpose,
    { app, inboxPrefix, domain, streams, handlers, largeBucket: largePayloads?.bucket },
    asked,
  );
  printLine(terminal.out, options.json === true ? permissionsJson(wanted) : serverConfig(wanted));
  return 0;
}

/**
 * Those of the build in a container, else of the sources. Undefined, and told why, when not all of them can be known:
 * what is left would be too little.
 */
async function goodHandlers(
  terminal: Terminal,
  config: ResolvedConfig,
): Promise<readonly PermittedHandler[] | undefined> {
  const build = buildOfContainer(terminal, config.rootDir);
  if (build !== undefined) {
    const isWanted = config.only.length === 0 ? () => true : matchesAny(config.only);
    return build.manifest.handlers.filter(({ name }) => isWanted(name));
  }
  const checked = await listHere(terminal, config);
  if (badIn(checked) === 0) return checked.handlers.filter((handler) => handler.ok);
  printCheck(terminal.err, checked);
  return undefined;
}

function readPurpose(word: string): Purpose {
  const purpose = PURPOSES.find((known) => known === word);
  if (purpose !== undefined) return purpose;
  const hint = didYouMean(word, PURPOSES);
  throw new RuntimeError("USAGE", `--for must be ${PURPOSES.join(", ")}; received ${JSON.stringify(word)}.${hint}`);
}

function readSubjects(option: string, subjects: readonly string[] = []): readonly string[] {
  for (const subject of subjects) {
    const problem = validateSubject(subject);
    if (problem === undefined) continue;
    throw new RuntimeError("USAGE", `${option}: the subject ${problem}; received ${JSON.stringify(subject)}`);
  }
  return subjects;
}

function permissionsJson({ app, purpose, grants, answerMs, remarks }: Permissions): string {
  const publish = grants.flatMap(({ publish: subjects = [] }) => subjects);
  const subscribe = grants.flatMap(({ subscribe: subjects = [] }) => subjects);
  const allowResponses = answerMs === undefined ? undefined : { max: MOST_ANSWERS, ttlMs: answerMs };
  return JSON.stringify({ app, for: purpose, publish, subscribe, allowResponses, grants, remarks }, null, 2);
}
