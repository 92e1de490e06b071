// The durable of a handler that is off. Most streams keep its messages by themselves; two kinds do not:
//
// H1  With retention "interest" a stream keeps what some durable waits for: one is made for a handler that was off from
//     the start.
// H2  A durable with an inactive_threshold is removed when nobody takes from it: it is touched now and then.

import { RetentionPolicy } from "@nats-io/jetstream";
import { type DurableSpec, ensureDurable } from "../streams/durable-consumer.ts";
import { removedAfterMs } from "../streams/durable-costs.ts";
import { keepDurable } from "../streams/durable-touch.ts";
import { durableOfHandler, type HandlerInStream } from "./durable-of-handler.ts";
import type { StreamDeps } from "./stream-deps.ts";

/**
 * Until what is returned is called. Never rejects: what cannot be kept is told.
 *
 * @param surely asks again what is not answered now
 */
export async function holdDurable(
  deps: StreamDeps,
  held: HandlerInStream,
  surely: <T>(step: () => Promise<T>) => Promise<T>,
): Promise<() => void> {
  const { handler, stream, domain, subject: filter, oneAtATime, from } = held;
  try {
    const durable = await surely(() => durableOfHandler(deps, held));
    const spec: DurableSpec = { app: deps.app, handler, stream, domain, durable, filter, oneAtATime, from };
    const config = await surely(() => configOf(deps, spec));
    const afterMs = config === undefined ? undefined : removedAfterMs(config);
    return afterMs === undefined ? () => undefined : keepDurable(deps, spec, afterMs, () => false);
  } catch (error) {
    const text = `handler "${handler}" is off, and it is not known whether its messages wait in stream "${stream}": ${String(error)}`;
    deps.notices.tell(`hold ${handler}`, "warn", text);
    return () => undefined;
  }
}

async function configOf(deps: StreamDeps, spec: DurableSpec) {
  const { stream, durable, handler, domain } = spec;
  const jsm = await deps.managerOf(domain);
  const { config } = await jsm.streams.info(stream);
  if (config.retention !== RetentionPolicy.Interest) {
    // Not there yet: then it starts with everything that is stored.
    return jsm.consumers.info(stream, durable).then(
      (info) => info.config,
      () => undefined,
    );
  }
  const ensured = await ensureDurable(deps.connection, jsm, spec);
  if (ensured.how === "created") {
    const text = `handler "${handler}" is off, and stream "${stream}" (retention "interest") keeps only what a durable waits for: its durable "${durable}" is made, so that its messages wait`;
    deps.notices.tell(`held ${handler}`, "info", text);
  }
  return ensured.config;
}
