// What each command is called with.

import type { GlobalOptions } from "./global-options.ts";
import type { Terminal } from "./terminal.ts";

export interface Invocation<Options = object> {
  readonly terminal: Terminal;
  readonly options: GlobalOptions & Options;
}
