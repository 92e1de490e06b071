// JetStream of a connection: that of its account, or the one of the domain that the configuration names for all of the app.

import {
  type JetStreamClient,
  type JetStreamManager,
  type JetStreamOptions,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";

interface Options {
  readonly domain?: string | undefined;
  readonly timeout?: number;
}

const domains = new WeakMap<NatsConnection, string>();

/** What asks for no domain of its own asks this one from now on. */
export function useDomain(connection: NatsConnection, domain: string | undefined): void {
  if (domain !== undefined) domains.set(connection, domain);
}

/** The domain to ask. @param named by whoever asks; undefined: that of the app */
export function domainOf(connection: NatsConnection, named?: string | undefined): string | undefined {
  return named ?? domains.get(connection);
}

/** Whether JetStream is reached by way of domains: as it is set up where there are leaf nodes. @param named as above */
export function hasDomains(connection: NatsConnection, named?: string | undefined): boolean {
  // That of the server, which the client does not declare.
  const { domain } = { domain: undefined, ...connection.info };
  return (domainOf(connection, named) ?? domain) !== undefined;
}

export function jetStreamOf(connection: NatsConnection, options: Options = {}): JetStreamClient {
  return jetstream(connection, inDomain(connection, options));
}

/** Asks the server nothing yet. */
export function managerOf(connection: NatsConnection, options: Options = {}): Promise<JetStreamManager> {
  return jetstreamManager(connection, { checkAPI: false, ...inDomain(connection, options) });
}

function inDomain(connection: NatsConnection, { domain: named, ...options }: Options): JetStreamOptions {
  const domain = domainOf(connection, named);
  return domain === undefined ? options : { ...options, domain };
}
