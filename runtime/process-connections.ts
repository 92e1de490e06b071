// Which connections processes hold, as Linux tells it (proc(5)). Elsewhere nothing is known.

import { readdir, readFile, readlink } from "node:fs/promises";
import { statFields } from "./process-usage.ts";

export interface OpenConnections {
  /** `10.0.0.5:5432`, `:8080`, or UNNAMED. */
  readonly target: string;
  /** It opened them, somebody has opened them to it, or it waits for others to. */
  readonly way: "out" | "in" | "listening";
  readonly count: number;
}

/** A socket of the system: of TCP with its ends, of another kind with its path, where it has one. */
export type SystemSocket =
  | { readonly kind: "tcp"; readonly local: string; readonly remote: string; readonly isListening: boolean }
  | { readonly kind: "unix"; readonly path: string };

/** Linux does not say to whom a process is connected by a socket of the file system; a pipe to a program looks the same. */
export const UNNAMED = "unix socket or pipe";

/** In proc(5): connected, and waiting for connections. */
const ESTABLISHED = "01";
const LISTENING = "0A";
/** Input, output, errors, and the way to the supervisor: of every worker, and of what it starts. */
const OWN_DESCRIPTORS = 3;

/** Those of each owner's processes and of all that they have started. Undefined elsewhere than on Linux. Never rejects. */
export async function connectionsOf(
  owners: ReadonlyMap<string, readonly number[]>,
): Promise<Map<string, OpenConnections[]> | undefined> {
  if (process.platform !== "linux") return undefined;
  const [worker] = [...owners.values()].flat();
  const sockets = worker === undefined ? new Map<string, SystemSocket>() : await socketsSeenBy(worker);
  const families = await familiesOf(owners);
  const found = [...families].map(async ([owner, pids]) => {
    const held = await Promise.all(pids.map(socketsHeld));
    // A socket that was handed on to a child is one connection.
    const own = [...new Set(held.flat())].flatMap((inode) => sockets.get(inode) ?? []);
    return [owner, counted(own)] as const;
  });
  return new Map(await Promise.all(found));
}

/** By inode. `texts`: of `net/tcp`, `net/tcp6` and `net/unix`. Pure. */
export function readSockets(tcp: string, tcp6: string, unix: string): Map<string, SystemSocket> {
  const sockets = new Map<string, SystemSocket>();
  for (const line of [...rowsOf(tcp), ...rowsOf(tcp6)]) {
    const [, local = "", remote = "", state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state !== ESTABLISHED && state !== LISTENING) continue;
    const isListening = state === LISTENING;
    sockets.set(inode, { kind: "tcp", local: addressOf(local), remote: addressOf(remote), isListening });
  }
  for (const line of rowsOf(unix)) {
    const [, , , , , , inode = "", path = ""] = line.trim().split(/\s+/);
    sockets.set(inode, { kind: "unix", path });
  }
  return sockets;
}

/** Most first. Pure. */
export function counted(sockets: readonly SystemSocket[]): OpenConnections[] {
  const listening = new Set(sockets.flatMap((one) => (one.kind === "tcp" && one.isListening ? portOf(one.local) : [])));
  const counts = new Map<string, OpenConnections>();
  for (const socket of sockets) {
    const { target, way } = meaningOf(socket, listening);
    const key = `${way} ${target}`;
    counts.set(key, { target, way, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

function meaningOf(socket: SystemSocket, listening: ReadonlySet<string>): Omit<OpenConnections, "count"> {
  if (socket.kind === "unix")
    return socket.path === "" ? { target: UNNAMED, way: "out" } : { target: socket.path, way: "listening" };
  const port = portOf(socket.local);
  if (socket.isListening) return { target: port, way: "listening" };
  return listening.has(port) ? { target: port, way: "in" } : { target: socket.remote, way: "out" };
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":"));
}

/** `0100007F:1F90`: the bytes of each word of four stand in the order of the machine, those of the port do not. */
function addressOf(hex: string): string {
  const [address = "", port = ""] = hex.split(":");
  const words = address.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => [...Buffer.from(word, "hex").reverse()]);
  return `${hostOf(bytes)}:${Number.parseInt(port, 16)}`;
}

function hostOf(bytes: readonly number[]): string {
  const isMapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255;
  if (bytes.length === 4 || isMapped) return bytes.slice(-4).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at]! << 8) | bytes[2 * at + 1]!).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname;
}

function rowsOf(text: string): string[] {
  return text
    .split("\n")
    .slice(1)
    .filter((line) => line !== "");
}

/** Those of the network that it is in, as are all of ours. */
async function socketsSeenBy(worker: number): Promise<ReadonlyMap<string, SystemSocket>> {
  const read = (name: string) => readFile(`/proc/${worker}/net/${name}`, "latin1").catch(() => "");
  return readSockets(await read("tcp"), await read("tcp6"), await read("unix"));
}

/** A worker is the head of a session: what it has started is in it, or below it. */
async function familiesOf(owners: ReadonlyMap<string, readonly number[]>): Promise<Map<string, number[]>> {
  const owned = [...owners].flatMap(([owner, pids]) => pids.map((pid) => [pid, owner] as const));
  const ownerOf = new Map<number, string>(owned);
  const others = (await readdir("/proc").catch(() => [])).map(Number).filter((pid) => pid > 0 && !ownerOf.has(pid));
  // A child has mostly the higher number: in this order its parent is known before it.
  for (const pid of others.sort((a, b) => a - b)) {
    const owner = kinOf(pid).flatMap((id) => ownerOf.get(id) ?? [])[0];
    if (owner !== undefined) ownerOf.set(pid, owner);
  }
  const families = new Map<string, number[]>([...owners.keys()].map((owner) => [owner, []]));
  for (const [pid, owner] of ownerOf) families.get(owner)?.push(pid);
  return families;
}

/** Its parent and its session; of one that has ended nothing. */
function kinOf(pid: number): number[] {
  try {
    const fields = statFields(pid);
    return [Number(fields[1]), Number(fields[3])];
  } catch {
    return [];
  }
}

/** Their inodes. Of one that has ended, or is another user's, nothing. */
async function socketsHeld(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const descriptors = (await readdir(folder).catch(() => [])).filter((name) => Number(name) > OWN_DESCRIPTORS);
  const links = await Promise.all(descriptors.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
