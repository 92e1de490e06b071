// The cost of a message does not grow: with the number of handlers, and with the number of messages; nor does the memory
// that the supervisor holds.

import { handlersTable, measureHandlers, worstOf } from "../flat/handlers.ts";
import { measureMessages, messagesTables, numbersOf } from "../flat/messages.ts";
import type { Options, Report, Scenario } from "../scenario.ts";

async function run(options: Options): Promise<Report> {
  const byHandlers = await measureHandlers(options);
  const byMessages = await measureMessages(options);
  const flatHandlers = worstOf(byHandlers);
  return {
    tables: [handlersTable(byHandlers), ...messagesTables(byMessages)],
    data: { byHandlers, byMessages },
    failures: [...byHandlers.failures, ...byMessages.failures],
    numbers: { flatHandlers, ...(options.messages === undefined ? numbersOf(byMessages) : {}) },
  };
}

export const flat: Scenario = {
  name: "flat",
  summary: "cost of an event from 1 to 200 handlers and to 2 million messages; memory",
  run,
};
