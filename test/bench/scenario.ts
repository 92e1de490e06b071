// What a scenario is given, and what it gives back.

import type { Flame } from "./output/flame-picture.ts";
import type { Picture } from "./output/picture.ts";
import type { Table } from "./output/table.ts";
import type { Numbers } from "./thresholds.ts";

export interface Options {
  readonly rounds: number;
  /** CPU profiles of every contender, and their flame graphs, are written here. */
  readonly profile: string | undefined;
  /** Messages per round, instead of the scenario's own number. */
  readonly messages: number | undefined;
  /** Saves, instead of the scenario's own number. */
  readonly saves: number | undefined;
  readonly cycles: number;
  readonly files: number;
  /** A folder with a version of before and its packages, to be compared with. */
  readonly before: string | undefined;
}

export interface Report {
  readonly tables: readonly Table[];
  /** Everything measured, for scripts. */
  readonly data: unknown;
  /** Lost or failed messages: the figures do not count then, and the bench exits with 1. */
  readonly failures: readonly string[];
  /** Rows of the table of thresholds. */
  readonly numbers?: Numbers;
  readonly pictures?: readonly Picture[];
  /** Of the profiles, when they were asked for. */
  readonly flames?: readonly Flame[];
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  run(options: Options): Promise<Report>;
}
