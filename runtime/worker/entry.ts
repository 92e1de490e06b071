// The worker process: boots warm, is told once which handler it is, runs its deliveries, and ends with its supervisor. Where it
// has several, each has a channel.

import { Socket } from "node:net";
import { channelOpening, FrameReader, FrameType, WORKER_SOCKET_FD } from "../wire/protocol.ts";
import { Link } from "./link.ts";
import { Member } from "./member.ts";
import { markOutput, runFor, runsFor } from "./on-behalf-of.ts";
import { ReadPool } from "./read-pool.ts";
import { rehearse } from "./rehearsal.ts";

const pool = new ReadPool();
const socket = new Socket({
  fd: WORKER_SOCKET_FD,
  readable: true,
  writable: true,
  onread: { buffer: pool.room, callback: onRead },
});
const names: string[] = [];
let rehearsed: Promise<void> | undefined;

const owner = {
  rehearsed: () => rehearsed,
  named(handler: string) {
    names.push(handler);
    process.title = `handlers: ${names.join(", ")}`;
  },
};
/** The process as a whole, and its handler where it has one alone. */
const whole = new Member(new Link(socket), { ...owner, stopped: () => void socket.end(() => process.exit(0)) });
const members = new Map<number, Member>([[0, whole]]);
let current = whole;
let hasChannels = false;
let isBlamed = false;
/** Have had frames in this turn. */
const inTurn: Member[] = [];

const reader = new FrameReader((type, bytes, start, end) => {
  if (type === FrameType.channel) return choose(bytes.readUInt16BE(start));
  current.read(type, bytes, start, end);
});

function choose(channel: number): void {
  if (!hasChannels) markOutput();
  hasChannels = true;
  enter(memberAt(channel));
  runFor(channel);
}

function memberAt(channel: number): Member {
  const known = members.get(channel);
  if (known !== undefined) return known;
  // When it has stopped, so that a late frame for it finds it, and nothing else changes.
  const member = new Member(new Link(socket, channelOpening(channel)), { ...owner, stopped: () => undefined });
  members.set(channel, member);
  return member;
}

function enter(member: Member): void {
  current = member;
  if (inTurn.includes(member)) return;
  inTurn.push(member);
  member.beginTurn();
}

function onRead(bytes: number): boolean {
  const chunk = pool.take(bytes);
  enter(current);
  if (hasChannels) runFor(channelOf(current));
  reader.push(chunk);
  for (const member of inTurn) member.endTurn();
  inTurn.length = 0;
  if (hasChannels) runFor(undefined);
  if (!holdsBytes()) pool.reuse();
  return true;
}

function channelOf(member: Member): number | undefined {
  for (const [channel, one] of members) if (one === member && member !== whole) return channel;
  return undefined;
}

function holdsBytes(): boolean {
  if (!hasChannels) return whole.holdsBytes;
  for (const member of members.values()) if (member.holdsBytes) return true;
  return false;
}

// The supervisor is gone, or has let go of this worker: nothing here can be of use to anyone.
socket.on("close", () => process.exit(0));
socket.on("error", () => process.exit(0));

// Results that were ready when the process ends are results: the message must not be run again for nothing.
process.on("exit", () => {
  blame();
  for (const { link } of members.values()) link.flush();
});

process.on("uncaughtExceptionMonitor", blame);

/** The process ends: where it is known of which handler, the others need not answer for it. */
function blame(): void {
  const channel = hasChannels && !isBlamed ? runsFor() : undefined;
  if (channel === undefined) return;
  isBlamed = true;
  members.get(channel)?.link.send(FrameType.blamed, null);
  process.stderr.write(""); // What Node has to say of it comes by no stream.
}

// The URLs on the command line are loaded before anyone waits for them: the sdk and the schema library are most of
// what a new generation would otherwise pay for. One that is not there is missed by the bundle, with a better message.
const preloaded = await Promise.allSettled(process.argv.slice(2).map((url) => import(url)));
whole.link.send(FrameType.hello, null);
whole.link.flush();
rehearsed = rehearseAll();

/** Whoever has waited for the hello need not wait for this. */
async function rehearseAll(): Promise<void> {
  for (const loaded of preloaded) {
    const url = loaded.status === "fulfilled" ? (loaded.value as { rehearsal?: string }).rehearsal : undefined;
    if (url !== undefined) await rehearse(url).catch(() => undefined); // It would have helped, no more.
  }
}
