// `handlers check`: would everything come up? For CI: exit code 1 when anything would not.

import { printLine } from "../../terminal/terminal.ts";
import { badIn, printCheck } from "../check-report.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { checkHere, checkJson } from "../project-check.ts";

export async function check({ terminal, options }: Invocation<{ json?: boolean }>): Promise<ExitCode> {
  const { out } = terminal;
  const checked = await checkHere(terminal, options);
  const good = badIn(checked) === 0;
  if (options.json === true) printLine(out, checkJson(checked));
  else printCheck(out, checked);
  return good ? 0 : 1;
}
