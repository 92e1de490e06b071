// Why a durable consumer cannot be had, and what to do about it.

import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { overlaps } from "../metadata/subject.ts";
import { ApiCode, isApiError, jetStreamError } from "../nats/jetstream-errors.ts";
import { describedOwner, filterOf } from "./stored-consumer.ts";

export interface RefusedDurable {
  readonly app: string;
  readonly handler: string;
  readonly stream: string;
  readonly durable: string;
  readonly filter: string;
}

/** There is one of that name, and it will not do. @param problem what it is, as the end of a sentence */
export function unusable(problem: string, { stream, durable, handler }: RefusedDurable): RuntimeError {
  return new RuntimeError("CONSUMER_REFUSED", `durable "${durable}" of stream "${stream}" ${problem}`, {
    handler,
    remedy: `Set it back, or rename the handler, or remove the durable with \`nats consumer rm ${stream} ${durable}\`: a new one starts with all that is stored.`,
  });
}

/** As `consumerRefusal`; where a work queue has the subject taken already, the server is asked by whom. Never rejects. */
export async function explained(
  connection: NatsConnection,
  jsm: JetStreamManager,
  error: unknown,
  refused: RefusedDurable,
): Promise<RuntimeError> {
  const isTaken = isApiError(error, ApiCode.workQueueTaken, ApiCode.workQueueNeedsFilter);
  return consumerRefusal(connection, error, refused, isTaken ? await takerOf(jsm, refused) : undefined);
}

/** @param taker who has the subject of a work queue already, as far as known */
export function consumerRefusal(
  connection: NatsConnection,
  error: unknown,
  refused: RefusedDurable,
  taker?: ConsumerInfo,
): RuntimeError {
  const { stream, durable, filter, handler } = refused;
  const taken = takenRemedy(refused, taker);
  return jetStreamError(error, {
    connection,
    code: isApiError(error, ApiCode.streamNotFound) ? "STREAM_MISSING" : "CONSUMER_REFUSED",
    doing: `durable "${durable}" of stream "${stream}" for "${filter}" could not be set up`,
    handler,
    remedies: {
      [ApiCode.filterOutsideStream]: `Have stream "${stream}" take all of "${filter}", or narrow the handler's subject.`,
      [ApiCode.consumerUnchangeable]: `Remove the durable with \`nats consumer rm ${stream} ${durable}\`: a new one starts with all that is stored.`,
      [ApiCode.workQueueNeedsFilter]: taken,
      [ApiCode.workQueueTaken]: taken,
    },
  });
}

/** Undefined where we may not look. */
async function takerOf(jsm: JetStreamManager, { stream, filter }: RefusedDurable): Promise<ConsumerInfo | undefined> {
  try {
    for await (const info of jsm.consumers.list(stream)) if (overlaps(filterOf(info.config), filter)) return info;
  } catch {
    // The remedy names nobody then.
  }
  return undefined;
}

function takenRemedy({ stream, app, handler }: RefusedDurable, taker: ConsumerInfo | undefined): string {
  const general = `A work queue lets one handler take each subject: use retention "limits" for stream "${stream}", or one handler.`;
  if (taker === undefined) return general;
  const owner = describedOwner(taker.config.description);
  const whose = owner === undefined ? "" : ` of handler "${owner.handler}" of app "${owner.app}"`;
  const has = `Durable "${taker.name}"${whose} takes "${filterOf(taker.config)}".`;
  const formerApp = owner === undefined || owner.app === app ? "" : ` --former-app ${owner.app}`;
  const remove = `\`nats consumer rm ${stream} ${taker.name}\``;
  return owner?.app === app && owner.handler === handler
    ? `${has} It is this handler's own, of before its subject changed. When no replica runs that version any more, remove it with ${remove}: what waits there stays in the stream. Or set the subject back.`
    : `${has} ${general} If its handler is gone: \`handlers prune${formerApp}\`, or ${remove}.`;
}
