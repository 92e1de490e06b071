// Runs one row: load, change under it, more load, and then all is accounted for.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { delay, systemClock } from "../../runtime/clock.ts";
import { type Account, accountOf, ownReason } from "./account.ts";
import type { Contender } from "./contender.ts";
import { lettersOf } from "./letters.ts";
import { ours } from "./ours.ts";
import type { Row } from "./row.ts";
import { Scene } from "./scene.ts";

export interface Report extends Account {
  readonly row: string;
  readonly seconds: number;
  readonly exitCodes: readonly (number | null)[];
}

export interface RunOptions {
  readonly contender?: Contender;
  /** How long nothing may be accounted for until the rest is given up. */
  readonly quietMs?: number;
}

/** Handled before the change, and published after it. */
const BEFORE = 300;
const AFTER = 500;
const LOOK_MS = 100;
const QUIET_MS = 45_000;
/** What a killed replica had in hand comes again after 30 seconds. When it is all that is left, nobody waits that long. */
const HURRY_MS = 2_000;
const ACK_WAIT_NS = 2_000_000_000;

/**
 * Throws when the row could not be carried out; what was lost stands in the report. Undefined: this server has not what the
 * row needs.
 */
export async function runRow(
  row: Row,
  { contender = ours, quietMs = QUIET_MS }: RunOptions = {},
): Promise<Report | undefined> {
  const startedAtMs = systemClock.monotonicMs();
  const scene = await Scene.open(row, contender);
  try {
    if (!(await scene.suffices())) {
      await scene.close();
      return undefined;
    }
    await scene.begin();
    await scene.ledger.until((runs) => runs.length >= BEFORE);
    await row.change(scene);
    await scene.load.more(AFTER);
    await scene.load.stop();
    const account = await settled(scene, quietMs);
    scene.checkExcused(account);
    if (contender === ours) await row.check?.(scene);
    if (account.lost.length + account.wrong.length > 0) keepLogs(scene);
    const exitCodes = await scene.close();
    const seconds = Math.round((systemClock.monotonicMs() - startedAtMs) / 100) / 10;
    return { ...account, row: row.name, seconds, exitCodes };
  } catch (error) {
    console.log(`${row.name}: interrupted\n${scene.fleets.map((fleet) => fleet.text()).join("\n=== the next app\n")}`);
    keepLogs(scene);
    await scene.close();
    throw error;
  }
}

/** Resolves when everything is accounted for and nothing is in hand, or when nothing has changed for long. */
async function settled(scene: Scene, quietMs: number): Promise<Account> {
  let last = "";
  let hurried = false;
  let changedAtMs = systemClock.monotonicMs();
  for (;;) {
    const account = await accountNow(scene);
    if (account.lost.length === 0 && (await nothingWaits(scene))) return accountNow(scene);
    const now = JSON.stringify(account);
    if (now !== last) changedAtMs = systemClock.monotonicMs();
    last = now;
    const quietForMs = systemClock.monotonicMs() - changedAtMs;
    if (quietForMs > quietMs) return account;
    if (quietForMs > HURRY_MS && !hurried && !scene.row.slow) {
      hurried = true;
      await scene.editConsumers({ ack_wait: ACK_WAIT_NS }).catch(() => undefined);
    }
    await delay(systemClock, LOOK_MS);
  }
}

async function accountNow(scene: Scene): Promise<Account> {
  const { row, fleets, client, contender } = scene;
  const everybody = [...new Set(fleets.flatMap(({ deployed }) => deployed.handlers.map(({ by }) => by)))];
  const letters = contender.keepsLetters
    ? await Promise.all(fleets.map(({ deployed }) => lettersOf(client, deployed)))
    : [];
  return accountOf({
    sent: scene.load.sent,
    runs: scene.ledger.runs(),
    letters: letters.flat(),
    takers: row.takers ?? (() => everybody),
    excused: scene.excused,
    rightLetter: (letter, message) => ownReason(letter, message) || (row.letter?.(letter, message) ?? false),
  });
}

async function nothingWaits(scene: Scene): Promise<boolean> {
  return (await scene.waiting().catch(() => 1)) === 0;
}

/** Where DELIVERY_LOG names a folder: what every replica has printed. */
function keepLogs({ row, fleets }: Scene): void {
  const folder = process.env.DELIVERY_LOG;
  if (folder === undefined) return;
  const replicas = fleets.flatMap((fleet) => fleet.replicas);
  for (const [at, replica] of replicas.entries()) {
    writeFileSync(join(folder, `${row.name.replaceAll(/\W+/g, "-")}.${at}.log`), replica.text());
  }
}

export function shown(report: Report): string {
  const { row, published, handled, twice, letters, taken, seconds, lost, wrong } = report;
  const faults = [
    ...(taken === 0 ? [] : [`${taken} taken away`]),
    ...(lost.length === 0 ? [] : [`${lost.length} LOST`]),
    ...(wrong.length === 0 ? [] : [`${wrong.length} WRONG LETTERS`]),
  ];
  const counts = `published ${published}, handled ${handled}, twice ${twice}, letters ${letters}`;
  return [`${row}: ${counts}, ${seconds} s`, ...faults].join(", ");
}
