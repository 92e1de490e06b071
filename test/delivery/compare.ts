// Twelve rows that hand-written consumers get wrong, run for this project, for a consumer written by hand and for
// nestjs-jetstream: `npm run delivery:others [ROW...]`. Counts only. Same load, same change; no message fails unless the row
// is about that. What was published and is neither handled nor a letter in the end is lost.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chosenServer } from "../support/chosen-server.ts";
import type { Contender } from "./contender.ts";
import { usualMessage } from "./message.ts";
import { byHand, nestjsJetstream } from "./others/others.ts";
import { ours } from "./ours.ts";
import type { Row } from "./row.ts";
import { ROWS } from "./rows/index.ts";
import { type Report, runRow } from "./run-row.ts";

/** What people call it, and the row that does it. */
const TWELVE: Readonly<Record<string, string>> = {
  "bare nak: what it needs is away for two seconds": "what the handler needs is away for two seconds",
  "long work: beyond the ack wait": "the work takes longer than the consumer's ack_wait",
  "reconnect: the connection is cut": "the connection is cut for two seconds",
  "lost consumer: somebody deletes it": "the consumer is deleted",
  "crash at the last attempt": "messages kill their worker at the last attempt",
  "drain: a rolling update": "the app is rolled out anew, replica by replica",
  "poison: one message kills its process": "one message kills its worker at each attempt",
  "renamed subject, and back": "the handler's subject is changed by a rolling update, and changed back",
  "two apps on one stream": "two apps have a handler of the same name on one stream",
  "replaced stream": "the stream is deleted and made again",
  "right taken away, and given back": "the right to its inbox is taken away, and given back",
  "restart under load: the server is killed": "the server is killed, and back",
};

/** Nothing accounted for in this time, and there will be no more: the redelivery of what is left comes after two seconds. */
const QUIET_MS = 15_000;
const CONTENDERS: readonly Contender[] = [ours, byHand, nestjsJetstream];

const { path, version } = await chosenServer(console.log);
process.env.HANDLERS_NATS_SERVER = path;
installOthers();
const wanted = process.argv.slice(2);
const names = Object.keys(TWELVE).filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
console.log(`nats-server ${version}; each cell: lost / more than once / letters\n`);
console.log(`| | ${CONTENDERS.map(({ name }) => name).join(" | ")} |\n|${" --- |".repeat(CONTENDERS.length + 1)}`);
let held = 0;
for (const name of names) {
  const row = ROWS.find((each) => each.name === TWELVE[name]);
  if (row === undefined) throw new Error(`the table has no row "${TWELVE[name]}"`);
  const cells: string[] = [];
  for (const contender of CONTENDERS) {
    const cell = await run(row, contender);
    if (contender === ours && cell?.lost.length === 0 && cell.wrong.length === 0) held++;
    cells.push(cell === undefined ? "-" : `${cell.lost.length} / ${cell.twice} / ${cell.letters}`);
  }
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}
console.log(`\n${ours.name}: ${held} of ${names.length} without a loss`);
process.exitCode = held === names.length ? 0 : 1;

function run(row: Row, contender: Contender): Promise<Report | undefined> {
  const { message = usualMessage } = row;
  const noneThrows = (id: number) => {
    const made = message(id);
    return made.does === "throws" ? { ...made, does: "ends" as const } : made;
  };
  return runRow({ ...row, message: noneThrows }, { contender, quietMs: QUIET_MS });
}

function installOthers(): void {
  const folder = fileURLToPath(new URL("./others/", import.meta.url));
  if (existsSync(`${folder}node_modules/.package-lock.json`)) return;
  const { status, stderr } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--prefix", folder], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`npm did not bring the packages of ${folder}:\n${stderr}`);
}
