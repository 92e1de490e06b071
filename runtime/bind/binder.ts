// Chooses the binding for a handler's kind.

import type { NatsConnection } from "@nats-io/transport-node";
import type { Delivery } from "../deliver/delivery.ts";
import { RuntimeError } from "../errors.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import type { Binding, BindingOwner } from "./binding.ts";
import { bindCore } from "./core-binding.ts";

export interface BindRequest {
  readonly handler: string;
  readonly metadata: ResolvedMetadata;
  readonly owner: BindingOwner;
  readonly onOverflow: (delivery: Delivery) => void;
  readonly onLost: (error: RuntimeError) => void;
}

/** A binding worked out but not made: its deliveries' ids are known before the first one comes. */
export interface PlannedBinding {
  readonly idPrefix: string;
  bind(request: BindRequest): Promise<Binding>;
}

export interface Binder {
  /** Rejects with a RuntimeError when the handler cannot be bound as its metadata asks. */
  plan(handler: string, metadata: ResolvedMetadata): Promise<PlannedBinding>;
}

export interface BinderOptions {
  readonly connection: NatsConnection;
  readonly app: string;
  /** Different for every start of the runtime. */
  readonly instance: string;
}

export function createBinder({ connection, app, instance }: BinderOptions): Binder {
  return {
    async plan(handler, metadata) {
      if (metadata.kind === "durable") throw notYet(handler);
      const idPrefix = `${instance}.${handler}.`;
      return {
        idPrefix,
        bind: ({ owner, onOverflow, onLost }) =>
          bindCore({
            connection,
            subject: metadata.subject,
            queueGroup: queueGroupOf(app, handler),
            replies: metadata.kind === "request",
            idPrefix,
            owner,
            onOverflow,
            onLost,
          }),
      };
    },
  };
}

/** `<app>.<handler>` with `/` as `.`: replicas share, every handler gets its own copy. */
export function queueGroupOf(app: string, handler: string): string {
  return `${app}.${handler.replaceAll("/", ".")}`;
}

function notYet(handler: string): RuntimeError {
  return new RuntimeError("METADATA_INVALID", `handler "${handler}" is durable, which this version does not serve yet`, {
    handler,
    remedy: 'Use kind: "event" until durable handlers are there.',
  });
}
