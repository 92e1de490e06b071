// `handlers status --connections` as a table: each target, and below it who is connected to it. Pure.

import type { ConnectionsAnywhere } from "../control/client.ts";
import { type Column, columnLines } from "../terminal/columns.ts";
import { countText } from "./control-session.ts";

type Open = ConnectionsAnywhere["connections"][number];

interface Row {
  readonly target: string;
  readonly handler: string;
  readonly open: number;
  readonly processes: number;
  readonly replicas: number;
}

const WAYS: Readonly<Record<Open["way"], string>> = { out: "", in: " (accepted)", listening: " (listening)" };

export function connectionLines({ connections, unknown }: ConnectionsAnywhere, width: number): string[] {
  const untold = unknown.map(
    ({ instance }) => `replica ${instance} does not know: its system does not tell (Linux does)`,
  );
  if (connections.length === 0) return untold.length > 0 ? untold : ["no connections"];
  const rows = [...Map.groupBy(connections, targetOf)]
    .map(([target, open]) => rowsOf(target, open))
    .sort((a, b) => b[0]!.open - a[0]!.open)
    .flat();
  return [...columnLines(columnsOf(rows), width), ...untold];
}

/** That of all, where there are several, and then each handler's. */
function rowsOf(target: string, open: readonly Open[]): Row[] {
  const handlers = [...Map.groupBy(open, ({ handler }) => handler)].map(([handler, own]) =>
    rowOf(target, handler, own),
  );
  if (handlers.length === 1) return handlers;
  const own = handlers.sort((a, b) => b.open - a.open).map((row) => ({ ...row, target: "" }));
  return [rowOf(target, countText(handlers.length, "handler"), open), ...own];
}

function rowOf(target: string, handler: string, own: readonly Open[]): Row {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const [open, processes] = [sum(own.map(({ count }) => count)), sum(own.map((one) => one.processes))];
  return { target, handler, open, processes, replicas: new Set(own.map(({ replica }) => replica.instance)).size };
}

function targetOf({ target, way }: Open): string {
  return `${target}${WAYS[way]}`;
}

function columnsOf(rows: readonly Row[]): Column[] {
  const text = (heading: string, cell: (row: Row) => string): Column => {
    return { heading, cells: rows.map(cell), align: "left", shrinks: true };
  };
  const number = (heading: string, value: (row: Row) => number, worth: number): Column => {
    return { heading, cells: rows.map((row) => String(value(row))), align: "right", worth };
  };
  return [
    text("TARGET", ({ target }) => target),
    text("HANDLER", ({ handler }) => handler),
    number("OPEN", ({ open }) => open, 10),
    number("PROCESSES", ({ processes }) => processes, 2),
    number("REPLICAS", ({ replicas }) => replicas, 1),
  ];
}
