// Messages of a handler that has its order in a stream of its own (`orderBy: { wildcard }`), which the server has still to copy
// there: until then they wait in none of its durables.

import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { claims } from "../metadata/claims.ts";
import { copiedNumber, orderedStreamNames, orderedStreamOf } from "../streams/ordered-stream.ts";
import type { HandlerStatus } from "../supervise/handler-status.ts";

export interface UncopiedDeps {
  readonly jsm: JetStreamManager;
  readonly app: string;
}

/** By handler, in words. To be asked before what waits in durables is. */
export async function uncopied(deps: UncopiedDeps, handlers: readonly HandlerStatus[]): Promise<string[]> {
  const ordered = handlers.filter(({ inOrder }) => inOrder === true);
  const isCopied = await Promise.all(ordered.map((handler) => isAllCopied(deps, handler)));
  return ordered.filter((_, at) => !isCopied[at]).map(({ name }) => `"${name}": messages on their way into its order`);
}

async function isAllCopied({ jsm, app }: UncopiedDeps, handler: HandlerStatus): Promise<boolean> {
  const names = claims(handler).flatMap((subject) => orderedStreamNames(app, handler.name, subject));
  for (const name of names) {
    // Of the two only one is there, as a rule.
    const info = await jsm.streams.info(name).catch(() => undefined);
    if (info !== undefined && !(await isUpToDate(jsm, info))) return false;
  }
  return true;
}

async function isUpToDate(jsm: JetStreamManager, info: StreamInfo): Promise<boolean> {
  const ordered = orderedStreamOf(info);
  if (ordered === undefined || !ordered.isFed) return true;
  const { division, begunWith = 0 } = ordered;
  const last = await messageOf(jsm, division.source, { last_by_subj: division.subject });
  const beginsAt = info.config.sources?.[0]?.opt_start_time;
  if (last === undefined || last.seq < begunWith) return true;
  if (beginsAt !== undefined && last.time.getTime() < Date.parse(beginsAt)) return true;
  const { last_seq: lastCopy } = info.state;
  const copy = lastCopy === 0 ? undefined : await messageOf(jsm, ordered.name, { seq: lastCopy });
  return (copiedNumber(copy?.header) ?? 0) >= last.seq;
}

type Which = Parameters<JetStreamManager["streams"]["getMessage"]>[1];

/** Undefined: there is none any more. */
async function messageOf(jsm: JetStreamManager, stream: string, which: Which) {
  return (await jsm.streams.getMessage(stream, which).catch(() => null)) ?? undefined;
}
