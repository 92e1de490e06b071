// Everything that can be asked of the page's server, and everything it can be told to do. HTTP is in http-app.ts.

import { z } from "zod";
import { parseDuration } from "../../sdk/duration.ts";
import { RuntimeError } from "../errors.ts";
import { cancelRunning } from "../operate/cancel-running.ts";
import type { Session } from "./answers.ts";
import type { Collector } from "./collector.ts";
import type { Desk } from "./desk.ts";
import { invoke } from "./invoke.ts";
import { mendLetter } from "./mend-letter.ts";
import type { MessageWatch } from "./message-watch.ts";
import type { Operations } from "./operations.ts";
import { type LetterFilter, lettersMeant, listLetters, showLetter } from "./read-letters.ts";
import { seenPublishes, showMessage } from "./read-messages.ts";
import { readShadow } from "./read-shadow.ts";
import { readStreams } from "./read-streams.ts";
import type { Action } from "./rights.ts";
import type { Schemas } from "./schemas.ts";
import { send } from "./send.ts";
import { disable, enable, reload } from "./switch.ts";

export interface Room {
  readonly desk: Desk;
  readonly operations: Operations;
  readonly collector: Pick<Collector, "history" | "versions">;
  readonly watch: MessageWatch;
  readonly schemas: Schemas;
}

export interface ReadRoute {
  readonly path: string;
  /** Resolves with undefined when it is not there. */
  read(room: Room, query: (name: string) => string | undefined): Promise<unknown>;
}

export interface ActionRoute {
  readonly path: string;
  /** One of these must be allowed. */
  readonly needs: readonly Action[];
  /** What it is about, for the log. */
  readonly about: (body: never) => string;
  readonly body: z.ZodType;
  /** @param by who asked, and from where */
  act(room: Room, body: never, by: string): Promise<unknown>;
}

export const READS: readonly ReadRoute[] = [
  { path: "/api/session", read: async ({ desk }) => session(desk) },
  { path: "/api/letters", read: ({ desk }, query) => listLetters(desk, filterOf(query)) },
  { path: "/api/letter", read: ({ desk }, query) => showLetter(desk, readId(query("id"))) },
  {
    path: "/api/message",
    read: async ({ desk, watch }, query) => showMessage(query("key") ?? "", watch.all(), desk.showsPayloads),
  },
  {
    path: "/api/history",
    read: async ({ desk, collector }, query) => collector.history.of(query("name") ?? "", desk.clock.nowMs()),
  },
  { path: "/api/versions", read: async ({ collector }, query) => collector.versions.of(query("name") ?? "") },
  { path: "/api/schema", read: ({ schemas }, query) => schemas.of(readName(query("name"))) },
  { path: "/api/shadow", read: ({ desk }, query) => readShadow(desk, readName(query("name"))) },
  { path: "/api/publishes", read: async ({ watch }) => seenPublishes(watch.all()) },
  { path: "/api/streams", read: ({ desk }) => readStreams(desk) },
];

const name = z.string().min(1).max(500);
const id = z.int().positive();
const text = (most: number) => z.string().max(most);
const filter = z.strictObject({
  handler: name.optional(),
  reason: text(50).optional(),
  words: text(500).optional(),
  group: text(50).optional(),
  upTo: id.optional(),
});
/** Letters are named by their numbers, or by what they have in common up to one that has been seen. */
const letters = z.union([z.strictObject({ ids: z.array(id).min(1).max(20_000) }), z.strictObject({ filter })]);

const redriven = z.strictObject({ letters, rate: z.int().min(1).max(100_000).optional() });

export const ACTION_ROUTES: readonly ActionRoute[] = [
  route(
    "/api/disable",
    ["disable"],
    z.strictObject({ name, reason: text(500), for: text(20).optional(), now: z.boolean() }),
    (body) => `${body.name}${body.reason === "" ? "" : `: ${body.reason}`}`,
    ({ desk }, { for: length, ...body }, by) => disable(desk, { ...body, forMs: readLength(length) }, by),
  ),
  route(
    "/api/enable",
    ["enable"],
    z.strictObject({ name }),
    (body) => body.name,
    ({ desk }, body, by) => enable(desk, body.name, by),
  ),
  route(
    "/api/reload",
    ["reload"],
    z.strictObject({ name }),
    (body) => body.name,
    ({ desk }, body) => reload(desk, body.name),
  ),
  route(
    "/api/invoke",
    ["invoke"],
    z.strictObject({ name, payload: text(1024 ** 2) }),
    (body) => `${body.name} with ${body.payload.length} characters`,
    ({ desk }, body) => invoke(desk, body),
  ),
  route(
    "/api/redrive",
    ["redrive"],
    redriven,
    (body) => `${lettersText(body.letters)}${body.rate === undefined ? "" : `, ${body.rate} a second`}`,
    (room, body) => begin("redrive", room, body.letters, body.rate),
  ),
  route(
    "/api/mend",
    ["mend"],
    z.strictObject({ id, payload: text(1024 ** 2), raw: z.boolean() }),
    (body) => `letter ${body.id} with ${body.payload.length} other characters`,
    ({ desk }, body) => mendLetter(desk, body),
  ),
  route("/api/drop", ["drop"], letters, lettersText, (room, body) => begin("drop", room, body)),
  route(
    "/api/stop",
    ["redrive", "drop"],
    z.strictObject({ id: text(50).min(1) }),
    (body) => `operation ${body.id}`,
    async ({ operations }, body) => ({ stopped: operations.stop(body.id) }),
  ),
  route(
    "/api/cancel",
    ["cancel"],
    z.strictObject({ id }),
    (body) => `message ${body.id}`,
    async ({ desk }, body) => ({ end: await desk.later.cancel(body.id) }),
  ),
  route(
    "/api/cancel-run",
    ["cancel-run"],
    z.strictObject({ handler: name, id: text(1_000).min(1) }),
    (body) => `${body.id} of ${body.handler}`,
    async ({ desk }, body, by) => ({ end: (await cancelRunning(desk, { ...body, by })) ? "cancelled" : "ended" }),
  ),
  route(
    "/api/send",
    ["send"],
    z.strictObject({
      subject: text(500),
      payload: text(1024 ** 2),
      headers: z.array(z.tuple([text(200), text(8_192)])).max(50),
      ask: z.boolean(),
      raw: z.boolean(),
    }),
    (body) => `${body.payload.length} characters to ${body.subject}`,
    ({ desk, watch }, body) => send(desk, body, watch),
  ),
];

function route<S extends z.ZodType>(
  path: string,
  needs: readonly Action[],
  body: S,
  about: (body: z.output<S>) => string,
  act: (room: Room, body: z.output<S>, by: string) => Promise<unknown>,
): ActionRoute {
  return { path, needs, body, about, act };
}

function session({ app, connection, rights, showsPayloads, version }: Desk): Session {
  return {
    app,
    server: connection.getServer(),
    serverVersion: connection.info?.version ?? "",
    actions: [...rights],
    showsPayloads,
    version,
  };
}

type Meant = z.output<typeof letters>;

async function begin(verb: "redrive" | "drop", { desk, operations }: Room, meant: Meant, rate?: number) {
  const ids = "ids" in meant ? meant.ids : await lettersMeant(desk, meant.filter);
  return operations.begin({ verb, what: lettersText(meant), ids, rate });
}

function lettersText(meant: Meant): string {
  if ("ids" in meant) return meant.ids.length === 1 ? `letter ${meant.ids[0]}` : `${meant.ids.length} letters chosen`;
  const { upTo, ...said } = meant.filter;
  const words = Object.entries(said).filter(([, value]) => value !== undefined && value !== "");
  const which = words.length === 0 ? "all letters" : `letters of ${words.map((pair) => pair.join(" ")).join(", ")}`;
  return upTo === undefined ? which : `${which}, up to ${upTo}`;
}

function filterOf(query: (name: string) => string | undefined): LetterFilter {
  const said = (word: string) => query(word) || undefined;
  return { handler: said("handler"), reason: said("reason"), words: said("words"), group: said("group") };
}

function readId(word = ""): number {
  if (/^[1-9]\d{0,15}$/.test(word)) return Number(word);
  throw new RuntimeError("USAGE", `a letter has a number; received ${JSON.stringify(word)}`);
}

function readName(word = ""): string {
  if (word !== "" && word.length <= 500) return word;
  throw new RuntimeError("USAGE", "say which handler, with name");
}

function readLength(word: string | undefined): number | undefined {
  if (word === undefined || word === "") return undefined;
  const ms = parseDuration(word);
  if (ms !== undefined && ms > 0) return ms;
  throw new RuntimeError("USAGE", `a duration is written "30m" or "2h"; received ${JSON.stringify(word)}`);
}
