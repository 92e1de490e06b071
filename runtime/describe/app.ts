// A handler as the app's document describes it.

import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { queueGroupOf } from "../streams/durable-name.ts";
import type { DescribedHandler } from "./asyncapi.ts";

export interface Looked {
  readonly name: string;
  readonly metadata: ResolvedMetadata;
}

export function asDescribed(app: string, { name, metadata }: Looked): DescribedHandler {
  const { kind, subjects, store, everyReplica, envelope, description, timeoutMs, retry, streamsReply } = metadata;
  const { publishes, contract, schedule } = metadata;
  const queue = kind === "durable" || everyReplica ? undefined : queueGroupOf(app, name);
  const { attempts } = retry;
  return {
    name,
    kind,
    subjects,
    store,
    envelope,
    description,
    queue,
    timeoutMs,
    attempts,
    schedule,
    streamsReply,
    publishes,
    contract,
  };
}
