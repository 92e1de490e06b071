import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { connectionsOf, counted, readSockets, UNNAMED } from "../../runtime/process-connections.ts";

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 101 1 0 20 4 30 10 -1
   2: 0200000A:C351 0500000A:1538 01 00000000:00000000 00:00000000 00000000     0        0 102 1 0 20 4 30 10 -1
   3: 0200000A:C352 0500000A:1538 01 00000000:00000000 00:00000000 00000000     0        0 103 1 0 20 4 30 10 -1
   4: 0200000A:C353 0500000A:1538 06 00000000:00000000 03:00000000 00000000     0        0 104 3 0
`;
const TCP6 = `  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:C354 B80D0120000000000000000001000000:0050 01 0:0 0:0 0 0 0 105 1 0
   1: 0000000000000000FFFF00000200000A:C355 0000000000000000FFFF00000500000A:1538 01 0:0 0:0 0 0 0 106 1 0
`;
const UNIX = `Num       RefCount Protocol Flags    Type St Inode Path
ffff: 00000003 00000000 00000000 0001 03 107
ffff: 00000002 00000000 00010000 0001 01 108 /run/mine.sock
`;

test("connections are counted by where they go: what a process has accepted goes by its own port", () => {
  const sockets = readSockets(TCP, TCP6, UNIX);
  expect(sockets.has("104")).toBe(false); // Closed, and waiting for its time to be over.
  expect(counted([...sockets.values()])).toEqual([
    { target: "10.0.0.5:5432", way: "out", count: 3 },
    { target: ":8080", way: "listening", count: 1 },
    { target: ":8080", way: "in", count: 1 },
    { target: "[2001:db8::1]:80", way: "out", count: 1 },
    { target: UNNAMED, way: "out", count: 1 },
    { target: "/run/mine.sock", way: "listening", count: 1 },
  ]);
});

test.skipIf(process.platform !== "linux")("those of a process that lives are found, and its ends known", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const accepted = once(server, "connection");
  const client = connect(port, "127.0.0.1");
  await Promise.all([once(client, "connect"), accepted]);
  const found = (await connectionsOf(new Map([["own", [process.pid]]])))?.get("own") ?? [];
  expect(found).toContainEqual({ target: `:${port}`, way: "listening", count: 1 });
  // Both ends are its own: the one that it opened goes to the other's address.
  expect(found).toContainEqual({ target: `:${port}`, way: "in", count: 1 });
  expect(found).toContainEqual({ target: `127.0.0.1:${port}`, way: "out", count: 1 });
  client.destroy();
  server.close();
});

test.skipIf(process.platform !== "linux")("of one that is gone there are none", async () => {
  expect(
    await connectionsOf(
      new Map([
        ["gone", [2 ** 22 + 1]],
        ["none", []],
      ]),
    ),
  ).toEqual(
    new Map([
      ["gone", []],
      ["none", []],
    ]),
  );
});
