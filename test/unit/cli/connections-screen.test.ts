import { expect, test } from "vitest";
import { connectionLines } from "../../../runtime/cli/connections-screen.ts";
import type { ConnectionsAnywhere } from "../../../runtime/control/client.ts";

const replica = (instance: string) => ({ instance, host: "h", pid: 1, startedAtMs: 0 });

function open(
  handler: string,
  target: string,
  count: number,
  more: Partial<ConnectionsAnywhere["connections"][number]> = {},
) {
  return { handler, target, count, way: "out" as const, processes: 1, replica: replica("a"), ...more };
}

test("a target is summed over handlers and replicas, most first, within 80 columns", () => {
  const connections = [
    open("live/updates", ":8080", 1, { way: "listening" }),
    open("live/updates", ":8080", 3, { way: "in" }),
    open("orders/list", "10.0.0.5:5432", 5),
    open("orders/save", "10.0.0.5:5432", 10),
    open("orders/save", "10.0.0.5:5432", 10, { replica: replica("b") }),
  ];
  expect(connectionLines({ connections, unknown: [] }, 80)).toEqual([
    "TARGET             HANDLER       OPEN  PROCESSES  REPLICAS",
    "10.0.0.5:5432      2 handlers      25          3         2",
    "                   orders/save     20          2         2",
    "                   orders/list      5          1         1",
    ":8080 (accepted)   live/updates     3          1         1",
    ":8080 (listening)  live/updates     1          1         1",
  ]);
  const narrow = [open("a/handler-with-a-long-name-indeed", "database.with.a.very.long.name.example.internal:5432", 1)];
  for (const line of connectionLines({ connections: narrow, unknown: [] }, 60))
    expect(line.length).toBeLessThanOrEqual(60);
});

test("nothing is said to be nothing, and what cannot be known to be unknown", () => {
  expect(connectionLines({ connections: [], unknown: [] }, 80)).toEqual(["no connections"]);
  expect(connectionLines({ connections: [], unknown: [replica("mac")] }, 80)).toEqual([
    "replica mac does not know: its system does not tell (Linux does)",
  ]);
});
