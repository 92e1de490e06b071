// What is to be done to many letters, as it goes to the process that carries it out.

import type { OperationView } from "./answers.ts";

export interface Order {
  readonly id: string;
  readonly verb: OperationView["verb"];
  /** Of what, in words. */
  readonly what: string;
  readonly ids: readonly number[];
  /** Letters a second; undefined: as fast as it goes. */
  readonly rate?: number | undefined;
}
