// `ctx.once`: a part of a run that a later run of its message does not repeat. What it gave is kept in a bucket of the app.
//
// O1  What is kept is looked for before the part is called, and kept when it has ended. A run that dies in between leaves nothing, and
//     the next one calls the part again, with the same key.
// O2  Of two runs at a time that both called it, the first to keep is right: both give what that one has kept.
// O3  What it gives is what JSON makes of it, in the run that called the part too.
// O4  What cannot be kept because of what it is will be so in every run, and has happened: the message is not run again for it.
// O5  In a shadow the part is called, nothing is looked for, and nothing is kept.
// O6  What is called beside and after the part has the same message ids whether the part was called or not.

import type { OnceGiven } from "../../sdk/once.ts";
import { GiveUp } from "../../sdk/verdicts.ts";
import { type OnceRecord, onceBucket, onceEntry, onceKey, onceText } from "../message/once-record.ts";
import type { StartRequest } from "../wire/protocol.ts";
import { preview } from "../wire/serialize-error.ts";
import { jsonOf, NotSerializableError } from "./encode-payload.ts";
import { asPart, MOST_PART_CALLS } from "./part-calls.ts";
import type { MessageStores, OwnKv } from "./stores.ts";

export interface OnceDeps {
  readonly start: Pick<StartRequest, "app" | "kind" | "shadow">;
  readonly handler: string;
  /** Of the message. */
  readonly id: string;
  readonly stores: MessageStores;
  /** Sets so many numbers of calls aside, and gives the first. */
  reserve(count: number): number;
}

type Part = (given: OnceGiven) => unknown;

const MOST_BYTES = 64 * 1024;
const MOST_NAME_CHARS = 200;
const CONFLICT = 409;
/** Names of the parts of each run. */
const begun = new WeakMap<object, Set<string>>();

/** @param run what stands for it: no two parts of one have the same name */
export async function once(run: object, name: string, part: Part, deps: OnceDeps): Promise<unknown> {
  const { app, kind, shadow } = deps.start;
  const { handler, id } = deps;
  assertName(name);
  if (kind !== "durable") throw notDurable(handler, kind);
  begin(run, name);
  const first = deps.reserve(MOST_PART_CALLS);
  const act = (given: OnceGiven) => asPart(run, first, () => part(given));
  const key = await onceKey({ app, handler, id, name });
  if (shadow === true) return asJson(await act({ key }), name).value; // O5
  const kept = deps.stores.own(onceBucket(app));
  const entry = onceEntry(handler, key);
  const before = await readFrom(kept, entry).catch((error: unknown) => {
    throw told(error, `ctx.once(${JSON.stringify(name)}): whether it has run could not be looked up, so it did not`);
  });
  if (before !== undefined) return before.value;
  const { json, value } = asJson(await act({ key }), name);
  const earlier = await keep(kept, entry, onceText({ id, name }, json)).catch((error: unknown) => {
    const what = `ctx.once(${JSON.stringify(name)}): it has run, and what it gave could not be kept: the next run calls it again, with the same key`;
    throw told(error, what);
  });
  return earlier === undefined ? value : earlier.value;
}

/** Resolves with what another run has kept before (O2). */
async function keep(kept: OwnKv, entry: string, text: string): Promise<OnceRecord | undefined> {
  try {
    await kept.create(entry, text);
    return undefined;
  } catch (error) {
    if ((error as { code?: unknown }).code !== CONFLICT) throw error;
    return readFrom(kept, entry);
  }
}

async function readFrom(kept: OwnKv, entry: string): Promise<OnceRecord | undefined> {
  const text = await kept.get(entry);
  return text === undefined ? undefined : (JSON.parse(text) as OnceRecord);
}

/** O3. Throws a GiveUp for what cannot be kept (O4). */
function asJson(given: unknown, name: string): { readonly json?: string; readonly value: unknown } {
  if (given === undefined) return { value: undefined };
  const what = `what ctx.once(${JSON.stringify(name)}) is to keep`;
  try {
    const json = jsonOf(given, what);
    const bytes = Buffer.byteLength(json);
    if (bytes <= MOST_BYTES) return { json, value: JSON.parse(json) };
    throw new GiveUp(
      `${what} takes ${bytes} bytes, and at most ${MOST_BYTES} are kept: give what it is known by, and keep the rest with ctx.objects`,
    );
  } catch (error) {
    if (!NotSerializableError.is(error)) throw error;
    throw new GiveUp(error.message, { cause: error });
  }
}

function begin(run: object, name: string): void {
  const names = begun.get(run) ?? new Set();
  if (names.has(name))
    throw withCode(
      "ONCE_REPEATED",
      `ctx.once(${JSON.stringify(name)}): this run has a part of that name already, and would be given what that one gave: give it another name, with a number say`,
    );
  begun.set(run, names.add(name));
}

function assertName(name: unknown): void {
  if (typeof name === "string" && name !== "" && name.length <= MOST_NAME_CHARS) return;
  throw withCode(
    "INVALID_NAME",
    `ctx.once: the name of the part is a text of 1 to ${MOST_NAME_CHARS} characters, but is ${preview(name)}`,
  );
}

function notDurable(handler: string, kind: string): TypeError {
  return withCode(
    "NOT_DURABLE",
    `ctx.once: handler "${handler}" is of kind "${kind}", of which no message comes again: there is nothing to run once. Make it \`kind: "durable"\``,
  );
}

function withCode(code: string, message: string): TypeError {
  return Object.assign(new TypeError(message), { code });
}

/** By its name it is known whether a message is charged for it. */
function told(error: unknown, what: string): Error {
  const { name, message, code } = error as Error & { readonly code?: unknown };
  const explained = new Error(`${what}. ${message}`, { cause: error });
  explained.name = name;
  return Object.assign(explained, { code });
}
