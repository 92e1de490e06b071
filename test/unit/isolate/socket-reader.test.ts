import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SocketReader } from "../../../runtime/isolate/socket-reader.ts";

const FLOOD_BYTES = 8 * 1024 * 1024;
const MOST_PER_TURN = 64 * 1024;

let worker: Socket;
let ours: Socket;
beforeEach(async () => {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  worker = createConnection((server.address() as AddressInfo).port, "127.0.0.1");
  [ours] = (await once(server, "connection")) as [Socket];
  server.close();
});
afterEach(() => {
  worker.destroy();
  ours.destroy();
});

/** Bytes read in each turn of the event loop, until all have come. */
async function turnsOf(intakeOf: (read: (chunk: Buffer) => void) => SocketReader): Promise<number[]> {
  const turns: number[] = [];
  let left = FLOOD_BYTES;
  let thisTurn = 0;
  await new Promise<void>((resolve) => {
    const { socket } = intakeOf((chunk) => {
      if (thisTurn === 0) {
        setImmediate(() => {
          turns.push(thisTurn);
          thisTurn = 0;
          if (left === 0) resolve();
        });
      }
      thisTurn += chunk.length;
      left -= chunk.length;
    });
    socket.resume();
  });
  return turns;
}

test("a flood is read in slices, with turns of the event loop for the others in between", async () => {
  worker.write(Buffer.alloc(FLOOD_BYTES));
  const turns = await turnsOf((read) => new SocketReader(ours, read));
  expect(turns.reduce((sum, bytes) => sum + bytes, 0)).toBe(FLOOD_BYTES);
  expect(Math.max(...turns)).toBeLessThanOrEqual(MOST_PER_TURN);
});

test("while held nothing is read, and the end of a slice does not let go", async () => {
  const read: number[] = [];
  let onRead = Promise.withResolvers<void>();
  const intake = new SocketReader(ours, (chunk) => {
    if (read.push(chunk.length) === 1) intake.hold();
    onRead.resolve();
  });
  worker.write(Buffer.alloc(FLOOD_BYTES));
  intake.socket.resume();
  await onRead.promise;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(read).toHaveLength(1);
  onRead = Promise.withResolvers();
  intake.release();
  await onRead.promise;
});

test("what a worker sent before its end is read, whatever holds", async () => {
  let got = 0;
  const intake = new SocketReader(ours, (chunk) => {
    got += chunk.length;
  });
  intake.hold();
  worker.end(Buffer.alloc(FLOOD_BYTES));
  intake.readToTheEnd();
  await once(intake.socket, "end");
  expect(got).toBe(FLOOD_BYTES);
});
