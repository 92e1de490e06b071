// `handlers check`: would everything come up? For CI: exit code 1 when anything would not.

import type { ExitCode } from "../exit-code.ts";
import { inspect, inspectionJson } from "../inspection.ts";
import { badIn, printInspection } from "../inspection-report.ts";
import type { Invocation } from "../invocation.ts";
import { printLine } from "../terminal.ts";

export async function check({ terminal, options }: Invocation<{ json?: boolean }>): Promise<ExitCode> {
  const { out } = terminal;
  const inspection = await inspect(terminal, options);
  const good = badIn(inspection) === 0;
  if (options.json === true) printLine(out, inspectionJson(inspection));
  else printInspection(out, inspection);
  return good ? 0 : 1;
}
