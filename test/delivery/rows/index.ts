// The table: every change that the suite knows.

import type { Row } from "../row.ts";
import { ACCOUNT_ROWS } from "./of-accounts.ts";
import { CONSUMER_ROWS } from "./of-consumers.ts";
import { HANDLER_ROWS } from "./of-handlers.ts";
import { MESSAGE_ROWS } from "./of-messages.ts";
import { SERVER_ROWS } from "./of-servers.ts";
import { STREAM_ROWS } from "./of-streams.ts";

export const ROWS: readonly Row[] = [
  ...HANDLER_ROWS,
  ...MESSAGE_ROWS,
  ...CONSUMER_ROWS,
  ...STREAM_ROWS,
  ...SERVER_ROWS,
  ...ACCOUNT_ROWS,
];
