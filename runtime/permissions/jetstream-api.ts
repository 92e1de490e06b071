// Subjects of the JetStream API and of acknowledgements, as narrow as the server lets them be.

import { ACCOUNT_API, apiPrefix } from "../nats/api-prefix.ts";
import { pullSubject } from "../streams/pull-subject.ts";

/** Of the account. That of the app, where it has a domain: `inDomain`. */
const API = ACCOUNT_API;

export const ACCOUNT_INFO = `${API}.INFO`;
export const STREAM_NAMES = `${API}.STREAM.NAMES`;

export interface ConsumerName {
  readonly stream: string;
  readonly durable: string;
  /** Of the JetStream that has the stream. */
  readonly domain?: string | undefined;
}

type StreamVerb = "INFO" | "CREATE" | "UPDATE" | "DELETE" | "PURGE" | "MSG.GET" | "MSG.DELETE";

export function streamApi(stream: string, ...verbs: readonly StreamVerb[]): string[] {
  return verbs.map((verb) => `${API}.STREAM.${verb}.${stream}`);
}

/** Set a durable up with this filter and no other, take from it, settle what it delivers. */
export function durableUse({ stream, durable, domain }: ConsumerName, filter: string): string[] {
  const api = apiPrefix(domain);
  return [
    durableInfo(durable, domain),
    `${api}.CONSUMER.CREATE.${stream}.${durable}.${filter}`,
    pullSubject({ stream, durable, domain }),
    ...acknowledgements(`${stream}.${durable}`),
  ];
}

/** The same of a consumer of whatever name, in this stream. */
export function anyConsumerUse({ stream, domain }: Omit<ConsumerName, "durable">, filter: string): string[] {
  const api = apiPrefix(domain);
  return [
    `${api}.CONSUMER.INFO.${stream}.*`,
    `${api}.CONSUMER.CREATE.${stream}.*.${filter}`,
    pullSubject({ stream, durable: "*", domain }),
    ...acknowledgements(`${stream}.*`),
  ];
}

/** Settle what the consumers below this place deliver: `stream`, or `stream.durable`. */
export function acknowledgements(place: string): string[] {
  // With a domain and an account before the stream: servers from 2.14 on, where `js_ack_fc_v2` is set.
  return [`$JS.ACK.${place}.>`, `$JS.ACK.*.*.${place}.>`];
}

/** How a durable stands, in whichever stream it is: its name is the app's own. */
export function durableInfo(durable: string, domain?: string): string {
  return `${apiPrefix(domain)}.CONSUMER.INFO.*.${durable}`;
}

/** The flow control of a push consumer, in both shapes that servers use. */
export function flowControl(stream: string): string[] {
  return [`$JS.FC.${stream}.>`, `$JS.FC.*.*.${stream}.>`];
}

/** Find a stream of another domain by its subject or its name, and see what it stores, and who takes from it. */
export function streamLookup(stream: string, domain: string): string[] {
  const api = apiPrefix(domain);
  return [`${api}.STREAM.NAMES`, `${api}.STREAM.INFO.${stream}`, `${api}.CONSUMER.LIST.${stream}`];
}

export function consumerList(stream: string): string {
  return `${API}.CONSUMER.LIST.${stream}`;
}

/** Consumers of any name. */
export function consumersOf(
  stream: string,
  ...verbs: readonly ("CREATE" | "INFO" | "MSG.NEXT" | "DELETE")[]
): string[] {
  return verbs.map((verb) => `${API}.CONSUMER.${verb}.${stream}.>`);
}

export function directGet(stream: string): string {
  return `${API}.DIRECT.GET.${stream}.>`;
}

export function consumerCreateUnnamed(stream: string): string {
  return `${API}.CONSUMER.CREATE.${stream}`;
}

export const STREAM_LIST = `${API}.STREAM.LIST`;

/** What is asked of the account's JetStream, asked of that of a domain. Buckets are written by way of its API there. */
export function inDomain(subject: string, domain: string | undefined): string {
  const api = apiPrefix(domain);
  if (subject.startsWith(`${API}.`)) return `${api}${subject.slice(API.length)}`;
  return domain !== undefined && subject.startsWith("$KV.") ? `${api}.${subject}` : subject;
}
