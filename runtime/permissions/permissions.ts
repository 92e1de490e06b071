// The permissions of one NATS user of an app, and what they leave out. Pure: nothing is asked of a server.

import { coveredBy } from "../streams/subject-cover.ts";
import { takenStreams } from "./app-streams.ts";
import { toAskFleet } from "./fleet.ts";
import { COMMON_INBOXES, type Grant, type PermittedApp } from "./grant.ts";
import { inDomain } from "./jetstream-api.ts";
import { toOperate } from "./operate.ts";
import { toProvision } from "./provision.ts";
import { toServe } from "./serve.ts";

/** `handlers start`; the same with `--provision`; the commands of operators; the comparison with all that runs. */
export type Purpose = "serve" | "provision" | "operate" | "fleet";
export const PURPOSES: readonly Purpose[] = ["serve", "provision", "operate", "fleet"];

export interface Permissions {
  readonly app: string;
  readonly purpose: Purpose;
  /** No subject is in two of them. */
  readonly grants: readonly Grant[];
  /** How long whatever came with a reply subject may be answered; undefined: only as granted outright. */
  readonly answerMs: number | undefined;
  /** What is not covered, and what to do about it. */
  readonly remarks: readonly string[];
}

const GRANTS = { serve: toServe, provision: toProvision, operate: toOperate, fleet: toAskFleet } as const;
/** What a handler takes beyond its timeout, and the CLI's commands at least. */
const SLACK_MS = 5_000;
const LEAST_ANSWER_MS = 30_000;

/** What is granted because somebody says so. */
export interface AskedGrants {
  /** Subjects that handlers publish to beside what their metadata says. */
  readonly publishes: readonly string[];
  /** Inboxes of those who ask: granted outright, in place of permission to answer whatever asks. */
  readonly answers: readonly string[];
}

export function permissionsOf(purpose: Purpose, app: PermittedApp, asked: AskedGrants): Permissions {
  const { publishes, answers } = asked;
  return {
    app: app.app,
    purpose,
    grants: withoutRepeats([
      ...GRANTS[purpose](app).map((grant) => ofDomain(grant, app)),
      { why: "As asked with --publish.", publish: publishes },
      { why: "Answer those whose inboxes these are.", publish: answers },
    ]),
    answerMs: isOfClient(purpose) || answers.length > 0 ? undefined : answerMs(app),
    remarks: remarksFor(purpose, app, publishes),
  };
}

/** It asks, and is asked nothing. */
function isOfClient(purpose: Purpose): boolean {
  return purpose === "operate" || purpose === "fleet";
}

function remarksFor(purpose: Purpose, app: PermittedApp, publishes: readonly string[]): string[] {
  if (purpose === "operate") return operatorRemarks(app);
  return purpose === "fleet" ? inboxRemarks(app) : [...servingRemarks(purpose, app, publishes)];
}

/** JetStream is asked where the app has its streams. */
function ofDomain({ publish = [], ...grant }: Grant, { domain }: PermittedApp): Grant {
  return { ...grant, publish: publish.map((subject) => inDomain(subject, domain)) };
}

/** Handlers of every kind answer when they are invoked by hand. */
function answerMs({ handlers }: PermittedApp): number {
  return Math.max(LEAST_ANSWER_MS, ...handlers.map(({ metadata }) => metadata.timeoutMs)) + SLACK_MS;
}

function withoutRepeats(grants: readonly Grant[]): Grant[] {
  const seen = { publish: new Set<string>(), subscribe: new Set<string>() };
  const fresh = (side: "publish" | "subscribe", subjects: readonly string[] = []) =>
    subjects.filter((subject) => seen[side].size < seen[side].add(subject).size);
  return grants
    .map(({ why, publish, subscribe }) => ({
      why,
      publish: fresh("publish", publish),
      subscribe: fresh("subscribe", subscribe),
    }))
    .filter(({ publish, subscribe }) => publish.length + subscribe.length > 0);
}

function operatorRemarks(app: PermittedApp): string[] {
  const sending = "`handlers send` and `request` need the subject they send to: --publish SUBJECT.";
  return [...inboxRemarks(app), sending];
}

function* servingRemarks(purpose: Purpose, app: PermittedApp, publishes: readonly string[]): Generator<string> {
  yield* inboxRemarks(app);
  for (const { handler, subject, stream, assumed } of takenStreams(app)) {
    if (!assumed) continue;
    yield `No declared stream takes "${subject}" of ${handler.name}: stream ${stream}, which --provision would make, is assumed. If another takes it, declare that one in handlers.config.ts.`;
  }
  yield publishRemark(app);
  const said = new Set([...app.handlers.flatMap(({ metadata }) => metadata.publishes), ...publishes]);
  const elsewhere = [...said].filter((subject) => !app.streams.some(({ subjects }) => coveredBy(subjects, subject)));
  if (elsewhere.length > 0) {
    yield `Where a stream of another app takes ${elsewhere.join(", ")}, grant publishing to "${inDomain("$JS.API.STREAM.INFO.<that stream>", app.domain)}" too: else messages go there without waiting for its confirmation.`;
  }
  if (purpose === "serve") {
    yield "No stream is made with these: start once with --provision as a user who may (`handlers permissions --for provision`).";
  }
}

function publishRemark({ handlers }: PermittedApp): string {
  const silent = handlers.filter(({ metadata }) => metadata.publishes.length === 0).map(({ name }) => name);
  const said =
    "What handlers publish and request is granted as far as `publishes` of their metadata or --publish says.";
  return silent.length === 0 ? said : `${said} Nothing is said, so nothing granted, for ${silent.join(", ")}.`;
}

function inboxRemarks({ app, inboxPrefix = COMMON_INBOXES }: PermittedApp): string[] {
  if (inboxPrefix !== COMMON_INBOXES) return [];
  return [
    `Whoever may subscribe to ${COMMON_INBOXES}.> hears the replies to everybody else. Give each user inboxes of its own: --inbox-prefix ${COMMON_INBOXES}_${app}, NATS_INBOX_PREFIX or \`nats.inboxPrefix\`.`,
  ];
}
