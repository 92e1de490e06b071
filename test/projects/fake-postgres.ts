// As much of a Postgres server as a client needs to connect and to ask one question: every answer is one row, `n` = "1".

import { createServer, type Socket } from "node:net";

export interface FakePostgres {
  readonly port: number;
  close(): Promise<void>;
}

export async function startFakePostgres(): Promise<FakePostgres> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined); // the client has gone, as clients do
    let isStarted = false;
    socket.on("data", (bytes) => {
      if (!isStarted) socket.write(Buffer.concat([message("R", int32(0)), READY]));
      else if (bytes[0] === "Q".charCodeAt(0)) socket.write(Buffer.concat([ROW_SHAPE, ROW, COMPLETE, READY]));
      else socket.end();
      isStarted = true;
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const INT4 = 23;
const READY = message("Z", Buffer.from("I"));
const ROW_SHAPE = message(
  "T",
  int16(1),
  Buffer.from("n\0"),
  int32(0),
  int16(0),
  int32(INT4),
  int16(4),
  int32(-1),
  int16(0),
);
const ROW = message("D", int16(1), int32(1), Buffer.from("1"));
const COMPLETE = message("C", Buffer.from("SELECT 1\0"));
