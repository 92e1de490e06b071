// Which streams an app's handlers take from, as far as that can be known without asking the server.

import { durableNameOf } from "../bind/durable-name.ts";
import { madeStreamName } from "../bind/stream-settings.ts";
import { coveredBy } from "../bind/subject-cover.ts";
import type { PermittedApp, PermittedHandler } from "./grant.ts";

export interface TakenStream {
  readonly handler: PermittedHandler;
  readonly durable: string;
  readonly stream: string;
  /** No declared stream takes the subject: this is the name of the one that `--provision` makes. */
  readonly assumed: boolean;
}

/** For each durable handler. */
export function takenStreams({ app, streams, handlers }: PermittedApp): TakenStream[] {
  return handlers
    .filter(({ metadata }) => metadata.kind === "durable")
    .map((handler) => {
      const { subject } = handler.metadata;
      const declared = streams.find(({ subjects }) => coveredBy(subjects, subject));
      return {
        handler,
        durable: durableNameOf(app, handler.name),
        stream: declared?.name ?? madeStreamName(app, subject),
        assumed: declared === undefined,
      };
    });
}

/** Names of the declared streams and of those that handlers take from. */
export function ownStreamNames(app: PermittedApp): string[] {
  return [...new Set([...app.streams.map(({ name }) => name), ...takenStreams(app).map(({ stream }) => stream)])];
}
