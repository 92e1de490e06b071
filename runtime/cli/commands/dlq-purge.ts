// `handlers dlq purge`: remove dead letters for good.

import { printLine } from "../../terminal/terminal.ts";
import { countText } from "../control-session.ts";
import { noneText, withLetters } from "../dead-letter-filter.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";

export interface DlqPurgeOptions {
  readonly handler?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export async function dlqPurge({ terminal, options }: Invocation<DlqPurgeOptions>): Promise<ExitCode> {
  const { out, err } = terminal;
  const { handler, yes = false } = options;
  return withLetters<ExitCode>(terminal, options, async ({ box, config }) => {
    const count = yes ? await box.purge({ handler }) : (await box.list({ handler })).length;
    if (options.json === true) {
      printLine(out, JSON.stringify({ app: config.app, handler, [yes ? "purged" : "wouldPurge"]: count }));
      return yes ? 0 : 1;
    }
    if (count === 0) {
      printLine(err, await noneText(box, { handler }));
      return 0;
    }
    const what = `${countText(count, "dead letter")}${handler === undefined ? "" : ` of ${handler}`}`;
    if (yes) printLine(out, `${what} removed`);
    else printLine(err, `${what} would be removed for good; --yes does it`);
    return yes ? 0 : 1;
  });
}
