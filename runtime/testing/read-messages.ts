// Messages from files, as `handlers capture` and `handlers dlq export` write them.

import { fileURLToPath } from "node:url";
import type { ReadMessages } from "../../sdk/testing.ts";
import { readMessageFiles } from "../message-file.ts";

/** See `ReadMessages`. */
export const readMessages: ReadMessages = (path) =>
  readMessageFiles(typeof path === "string" ? path : fileURLToPath(path));
