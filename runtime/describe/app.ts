// A handler as the app's document describes it.

import { queueGroupOf } from "../bind/binder.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { DescribedHandler } from "./asyncapi.ts";

export interface Looked {
  readonly name: string;
  readonly metadata: ResolvedMetadata;
}

export function asDescribed(app: string, { name, metadata }: Looked): DescribedHandler {
  const { kind, subject, envelope, description, timeoutMs, retry, streamsReply, publishes, contract } = metadata;
  const queue = kind === "durable" ? undefined : queueGroupOf(app, name);
  const { attempts } = retry;
  return { name, kind, subject, envelope, description, queue, timeoutMs, attempts, streamsReply, publishes, contract };
}
