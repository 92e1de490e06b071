// Reads for the page what the app's streams hold, who takes it, what nobody takes, and what waits to leave later.

import type { JetStreamManager } from "@nats-io/jetstream";
import type { StatusReply } from "../control/control-protocol.ts";
import { deadLetterStream } from "../dead-letters/letter-store.ts";
import { redriveStream } from "../dead-letters/redrive-watch.ts";
import { laterStream } from "../later/later-stream.ts";
import { claims } from "../metadata/claims.ts";
import { managerOf } from "../nats/jetstream.ts";
import { ApiCode, isApiError } from "../nats/jetstream-errors.ts";
import { durablesSeen, leftBehind } from "../operate/kept-messages.ts";
import type { AppDurable } from "../streams/left-durables.ts";
import { ownStreams } from "../streams/own-streams.ts";
import { unclaimed } from "../streams/unclaimed.ts";
import type { StreamsView, StreamView, TakerView, WaitingView } from "./answers.ts";
import type { Desk } from "./desk.ts";

const MOST_WAITING = 200;

/** What cannot be read is said under `problems`, and the rest is there. Never rejects. */
export async function readStreams(desk: Desk): Promise<StreamsView> {
  const problems: string[] = [];
  const orElse =
    <T>(none: T) =>
    (error: unknown): T => {
      problems.push(error instanceof Error ? error.message : String(error));
      return none;
    };
  const { connection, app, client, declared } = desk;
  const replies = await client.status().catch(orElse([] as StatusReply[]));
  const names = await ownStreams(connection, app, declared).catch(orElse([] as readonly string[]));
  const taken = replies.flatMap(({ handlers }) => handlers.flatMap(claims));
  const [durables, nobodys, later, jsm] = await Promise.all([
    durablesSeen(connection, app, replies),
    unclaimed({ connection, streams: names, taken }).catch(orElse([])),
    desk.later.list({ limit: MOST_WAITING }).catch(orElse({ total: 0, messages: [] })),
    managerOf(connection),
  ]);
  const left = new Set(leftBehind({ app, durables, replies }).map(({ durable }) => durable));
  const elsewhere = durables.map(({ stream }) => stream).filter((stream) => stream !== redriveStream(app));
  const shown = [...new Set([...names, ...elsewhere])];
  const streams = await Promise.all(
    shown.map(async (name): Promise<StreamView> => {
      const state = await stateOf(jsm, name).catch(orElse(undefined));
      const takers = durables.filter(({ stream }) => stream === name).map((durable) => takerOf(durable, left));
      const own = nobodys.filter(({ stream }) => stream === name);
      return {
        name,
        subjects: state?.subjects ?? [],
        messages: state?.messages ?? 0,
        bytes: state?.bytes ?? 0,
        firstAtMs: state?.firstAtMs,
        lastAtMs: state?.lastAtMs,
        exists: state !== undefined,
        takers,
        unclaimed: own.map(({ subject, messages }) => ({ subject, messages })),
      };
    }),
  );
  return {
    streams,
    own: await kept(jsm, app, orElse),
    later: { total: later.total, messages: later.messages.map(waitingOf) },
    problems,
  };
}

interface State {
  readonly subjects: readonly string[];
  readonly messages: number;
  readonly bytes: number;
  readonly firstAtMs: number | undefined;
  readonly lastAtMs: number | undefined;
}

/** Undefined when there is no such stream. */
async function stateOf(jsm: JetStreamManager, name: string): Promise<State | undefined> {
  try {
    const { config, state } = await jsm.streams.info(name);
    const timeOf = (text: string) => (state.messages === 0 ? undefined : Date.parse(text));
    return {
      subjects: config.subjects ?? [],
      messages: state.messages,
      bytes: state.bytes,
      firstAtMs: timeOf(String(state.first_ts)),
      lastAtMs: timeOf(String(state.last_ts)),
    };
  } catch (error) {
    if (isApiError(error, ApiCode.streamNotFound)) return undefined;
    throw error;
  }
}

type OrElse = <T>(none: T) => (error: unknown) => T;

/** Streams that the runtime keeps for itself; those that were never needed are not there. */
async function kept(jsm: JetStreamManager, app: string, orElse: OrElse): Promise<StreamsView["own"]> {
  const all = [
    [deadLetterStream(app), "dead letters"],
    [redriveStream(app), "letters on their way back to their handlers"],
    [laterStream(app), "messages that leave later"],
  ] as const;
  const states = await Promise.all(
    all.map(async ([name, what]) => {
      const state = await stateOf(jsm, name).catch(orElse(undefined));
      return state === undefined ? [] : [{ name, what, messages: state.messages, bytes: state.bytes }];
    }),
  );
  return states.flat();
}

function takerOf({ handler, durable, filter, waiting, pausedForMs }: AppDurable, left: ReadonlySet<string>): TakerView {
  return { handler, durable, filter, waiting, pausedForMs, left: left.has(durable) };
}

function waitingOf({ id, target, by, dueMs, bytes }: WaitingView): WaitingView {
  return { id, target, by, dueMs, bytes };
}
