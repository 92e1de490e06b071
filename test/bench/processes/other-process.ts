// A handler in a process of its own, as simply as it goes: a socket to it, a frame there and one back for each message. No queue, no
// deadline, no batch.

import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./other-process-program.ts", import.meta.url));
/** Length of what follows the head, number of the message. */
const HEAD_BYTES = 8;

type Done = (answer: Buffer) => void;

/** Starts the process, and has it handle `data`: an empty answer says that it was invalid. It ends with its socket. */
export function otherProcess(): (data: Uint8Array, done: Done) => void {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  const socket = child.stdio[3] as Socket;
  const waiting = new Map<number, Done>();
  let next = 0;
  onFrames(socket, (number, answer) => {
    waiting.get(number)?.(answer);
    waiting.delete(number);
  });
  return (data, done) => {
    waiting.set(++next, done);
    socket.write(frameOf(next, data));
  };
}

export function frameOf(number: number, data: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + data.length);
  frame.writeUInt32LE(data.length, 0);
  frame.writeUInt32LE(number, 4);
  frame.set(data, HEAD_BYTES);
  return frame;
}

export function onFrames(socket: Socket, take: (number: number, data: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + rest.readUInt32LE(0);
      if (rest.length < end) return;
      const frame = rest.subarray(0, end);
      rest = rest.subarray(end);
      take(frame.readUInt32LE(4), frame.subarray(HEAD_BYTES));
    }
  });
}
