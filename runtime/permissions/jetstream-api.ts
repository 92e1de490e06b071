// Subjects of the JetStream API and of acknowledgements, as narrow as the server lets them be.

const API = "$JS.API";

export const ACCOUNT_INFO = `${API}.INFO`;
export const STREAM_NAMES = `${API}.STREAM.NAMES`;

export interface ConsumerName {
  readonly stream: string;
  readonly durable: string;
}

type StreamVerb = "INFO" | "CREATE" | "UPDATE" | "PURGE" | "MSG.GET" | "MSG.DELETE";

export function streamApi(stream: string, ...verbs: readonly StreamVerb[]): string[] {
  return verbs.map((verb) => `${API}.STREAM.${verb}.${stream}`);
}

/** Set a durable up with this filter and no other, take from it, settle what it delivers. */
export function durableUse({ stream, durable }: ConsumerName, filter: string): string[] {
  return [
    durableInfo(durable),
    `${API}.CONSUMER.CREATE.${stream}.${durable}.${filter}`,
    `${API}.CONSUMER.MSG.NEXT.${stream}.${durable}`,
    `$JS.ACK.${stream}.${durable}.>`,
    // With a domain and an account before the stream: servers from 2.15 on.
    `$JS.ACK.*.*.${stream}.${durable}.>`,
  ];
}

/** How a durable stands, in whichever stream it is: its name is the app's own. */
export function durableInfo(durable: string): string {
  return `${API}.CONSUMER.INFO.*.${durable}`;
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
