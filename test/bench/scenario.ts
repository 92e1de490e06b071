// What a scenario is given, and what it gives back.

import type { Table } from "./output/table.ts";

export interface Options {
  readonly names: readonly string[];
  readonly rounds: number;
  readonly json: string | undefined;
  /** CPU profiles of every contender are written here. */
  readonly profile: string | undefined;
  /** Messages per round, instead of the scenario's own number. */
  readonly messages: number | undefined;
  readonly saves: number;
  readonly cycles: number;
  readonly files: number;
  readonly long: boolean;
}

export interface Report {
  readonly tables: readonly Table[];
  /** Everything measured, for scripts. */
  readonly data: unknown;
  /** Lost or failed messages: the figures do not count then, and the bench exits with 1. */
  readonly failures: readonly string[];
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  run(options: Options): Promise<Report>;
}
