// The handlers of the working tree, with what they take and publish as JSON Schemas.

import type { ResolvedConfig } from "../config/resolved-config.ts";
import { asDescribed } from "../describe/app.ts";
import type { DescribedHandler } from "../describe/asyncapi.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { badIn, printCheck } from "./check-report.ts";
import { checkOptions } from "./project-check.ts";

/** Undefined when not all of them check, which is told. */
export async function describedHere(
  terminal: Terminal,
  config: ResolvedConfig,
): Promise<readonly DescribedHandler[] | undefined> {
  const { checkProject } = await import("../compose/check-and-build.ts");
  const checked = await checkProject({ ...checkOptions(terminal, config), describe: true });
  const asChecked = { ...checked, handlers: checked.handlers.map((one) => ({ ...one, disabledBy: undefined })) };
  if (badIn(asChecked) > 0) {
    printCheck(terminal.err, asChecked);
    return undefined;
  }
  return checked.handlers.filter((handler) => handler.ok).map((handler) => asDescribed(config.app, handler));
}
