// An app as an AsyncAPI 3 document: a channel for each subject, an operation for each that a handler takes, and for each event
// that one says it publishes. Pure; the same text for the same handlers, whatever their order.
//
// Source of the format: AsyncAPI 3.0.0 (asyncapi.com/docs/reference/specification/v3.0.0), and its NATS binding 0.1.0.

import type { Contract, SchemaNote } from "../metadata/contract.ts";
import type { Envelope, HandlerKind, Missed, Schedule, Store } from "../metadata/handler-metadata.ts";
import type { JsonSchema } from "./schema-parts.ts";

export interface DescribedHandler {
  readonly name: string;
  readonly kind: HandlerKind;
  readonly subjects: readonly string[];
  /** What it takes are the changes of this bucket. */
  readonly store: Store | undefined;
  /** The schemas are of what lies in it. */
  readonly envelope: Envelope;
  readonly description: string;
  /** What its replicas share the messages by; undefined: a durable consumer, or nothing. */
  readonly queue: string | undefined;
  readonly timeoutMs: number;
  readonly attempts: number;
  /** When it runs by itself as well. */
  readonly schedule: Schedule | undefined;
  readonly streamsReply: boolean;
  readonly publishes: readonly string[];
  readonly contract: Contract | undefined;
}

export interface AppInfo {
  readonly app: string;
  /** Of its package.json. */
  readonly version: string;
  readonly description: string;
}

interface Message {
  readonly name: string;
  readonly contentType?: string;
  readonly payload?: { readonly schemaFormat: string; readonly schema: JsonSchema };
}

interface Channel {
  /** Null: wherever the message says that it wants its reply. */
  readonly address: string | null;
  readonly messages: Record<string, { readonly $ref: string }>;
}

interface Messages {
  readonly channel: { readonly $ref: string };
  readonly messages: readonly { readonly $ref: string }[];
}

export interface Operation extends Messages {
  readonly action: "receive" | "send";
  readonly reply?: Messages;
  readonly summary?: string;
  readonly bindings?: object;
  readonly "x-handler": {
    readonly name: string;
    readonly kind?: HandlerKind;
    readonly kv?: string;
    readonly objects?: string;
    readonly envelope?: Envelope;
    readonly timeoutMs?: number;
    readonly attempts?: number;
    readonly schedule?: DescribedSchedule;
    readonly streamsReply?: true;
  };
}

/** As its metadata says it. */
type DescribedSchedule = ({ readonly cron: string; readonly timeZone: string } | { readonly everyMs: number }) & {
  readonly missed: Missed;
};

export interface AsyncApiDocument {
  readonly asyncapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly defaultContentType: string;
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: { readonly messages: Readonly<Record<string, Message>> };
}

export interface Described {
  readonly document: AsyncApiDocument;
  /** Schemas that could not be described: whose, and why. */
  readonly problems: readonly string[];
}

const SCHEMA_FORMAT = "application/schema+json;version=draft-07";

export function asyncApiOf({ app, version, description }: AppInfo, handlers: readonly DescribedHandler[]): Described {
  const channels = new Map<string, Channel>();
  const operations = new Map<string, Operation>();
  const messages = new Map<string, Message>();
  const problems: string[] = [];

  function message(
    subject: string,
    owner: string,
    note: SchemaNote | undefined,
    address: string | null = subject,
  ): Messages {
    if (note !== undefined && "problem" in note)
      problems.push(`the schema of "${subject}" in handler "${owner}" ${note.problem}`);
    const payload =
      note !== undefined && "schema" in note ? { schemaFormat: SCHEMA_FORMAT, schema: note.schema } : undefined;
    const id = idFor({ name: subject, ...(payload && { payload }) }, owner);
    const channel = channels.get(subject) ?? { address, messages: {} };
    channel.messages[id] = { $ref: `#/components/messages/${pointed(id)}` };
    channels.set(subject, channel);
    const at = `#/channels/${pointed(subject)}`;
    return { channel: { $ref: at }, messages: [{ $ref: `${at}/messages/${pointed(id)}` }] };
  }

  /** Those who agree on a subject's message share it. */
  function idFor(wanted: Message, owner: string): string {
    const { name } = wanted;
    for (const id of [name, `${name} of ${owner}`]) {
      const known = messages.get(id);
      if (known === undefined) messages.set(id, wanted);
      if (known === undefined || stableText(known) === stableText(wanted)) return id;
    }
    return name;
  }

  for (const handler of [...handlers].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name, subjects, contract } = handler;
    for (const subject of subjects) {
      operations.set(subjects.length === 1 ? name : `${name} takes ${subject}`, {
        action: "receive",
        ...message(subject, name, contract?.takes),
        ...(contract?.replies && { reply: message(`${subject} reply`, name, contract.replies, null) }),
        ...detailsOf(handler),
      });
    }
    for (const published of [...new Set(handler.publishes)].sort()) {
      const note = contract?.publishes.find((event) => event.subject === published)?.schema;
      operations.set(`${name} publishes ${published}`, {
        action: "send",
        ...message(published, name, note),
        "x-handler": { name },
      });
    }
  }
  const document = {
    asyncapi: "3.0.0",
    info: { title: app, version, ...(description === "" ? {} : { description }) },
    defaultContentType: "application/json",
    channels: sorted(channels),
    operations: sorted(operations),
    components: { messages: sorted(messages) },
  };
  return { document, problems };
}

function detailsOf(handler: DescribedHandler) {
  const { name, kind, store, envelope, description, queue, timeoutMs, attempts, schedule, streamsReply } = handler;
  return {
    ...(description === "" ? {} : { summary: description }),
    ...(queue === undefined ? {} : { bindings: { nats: { queue, bindingVersion: "0.1.0" } } }),
    "x-handler": {
      name,
      kind,
      ...(store && { [store.kind]: store.bucket }),
      ...(envelope === "none" ? {} : { envelope }),
      timeoutMs,
      ...(kind === "durable" ? { attempts } : {}),
      ...(schedule && { schedule: asDescribed(schedule) }),
      ...(streamsReply ? { streamsReply } : {}),
    },
  };
}

function asDescribed({ times, missed }: Schedule): DescribedSchedule {
  return times.kind === "every"
    ? { everyMs: times.everyMs, missed }
    : { cron: times.pattern, timeZone: times.timeZone, missed };
}

/** Two spaces; the keys of schemas in the order of the alphabet. */
export function documentText(document: AsyncApiDocument): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

function stableText(value: unknown): string {
  return JSON.stringify(value);
}

function sorted<T>(entries: ReadonlyMap<string, T>): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As a JSON pointer in an address has it (RFC 6901). */
function pointed(name: string): string {
  return encodeURIComponent(name.replace(/~/g, "~0").replace(/\//g, "~1"));
}
