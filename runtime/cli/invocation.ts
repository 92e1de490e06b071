// What each command is called with.

import type { Terminal } from "../terminal/terminal.ts";
import type { GlobalOptions } from "./global-options.ts";

export interface Invocation<Options = object> {
  readonly terminal: Terminal;
  readonly options: GlobalOptions & Options;
}
