// Where replies come to. Apart, because the command line reads it before it loads any package.

import { text } from "../metadata/options.ts";

export const inboxPrefix = text(
  'must be a subject without wildcards, such as "_INBOX_todo"',
  /^[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_$-]+)*$/,
);
