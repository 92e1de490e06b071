// Which streams an app's handlers take from, as far as that can be known without asking the server.

import { claims } from "../metadata/claims.ts";
import { durableNameOf, earlierDurableName } from "../streams/durable-name.ts";
import { isSorted, orderedStreamNames } from "../streams/ordered-stream.ts";
import { madeStreamName } from "../streams/stream-settings.ts";
import { coveredBy } from "../streams/subject-cover.ts";
import type { PermittedApp, PermittedHandler } from "./grant.ts";

export interface TakenStream {
  readonly handler: PermittedHandler;
  readonly subject: string;
  /** Which of them it is says the server: durables of before have another name (streams/handler-durable.ts, H2). */
  readonly durables: readonly string[];
  readonly stream: string;
  readonly domain: string | undefined;
  /** No declared stream takes the subject: this is the name of the one that `--provision` makes. */
  readonly assumed: boolean;
}

/** For each subject of each durable handler. */
export function takenStreams({ app, streams, handlers }: PermittedApp): TakenStream[] {
  return handlers
    .filter(({ metadata }) => metadata.kind === "durable")
    .flatMap((handler) => claims(handler.metadata).map((subject) => ({ handler, subject })))
    .map(({ handler, subject }) => {
      const { stream, domain } = handler.metadata;
      const declared = streams.find(({ subjects }) => coveredBy(subjects, subject));
      return {
        handler,
        subject,
        durables: [durableNameOf(app, handler.name, subject), earlierDurableName(app, handler.name)],
        stream: stream ?? declared?.name ?? madeStreamName(app, subject),
        domain,
        assumed: stream === undefined && declared === undefined,
      };
    });
}

/** Those in which handlers have their messages in order (streams/ordered-stream.ts). */
export function orderedStreams({ app, handlers }: PermittedApp): OrderedStreams[] {
  return handlers.flatMap(({ name, metadata }) => {
    const { fleetOrder } = metadata;
    if (fleetOrder === undefined) return [];
    return claims(metadata).map((subject) => ({
      handler: name,
      names: orderedStreamNames(app, name, subject),
      isSorted: isSorted(fleetOrder),
    }));
  });
}

export interface OrderedStreams {
  readonly handler: string;
  readonly names: readonly string[];
  /** The replicas put messages into them. */
  readonly isSorted: boolean;
}

/** Names of the declared streams and of those of the account that handlers take from. */
export function ownStreamNames(app: PermittedApp): string[] {
  const taken = takenStreams(app)
    .filter(({ domain }) => domain === undefined)
    .map(({ stream }) => stream);
  const inOrder = orderedStreams(app).flatMap(({ names }) => names);
  return [...new Set([...app.streams.map(({ name }) => name), ...taken, ...inOrder])];
}
