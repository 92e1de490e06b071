// `handlers describe --check --fleet`: which of the handlers that run, in whatever app, the working tree would break.

import { systemClock } from "../../clock.ts";
import type { ResolvedConfig } from "../../config/resolved-config.ts";
import { noRuntime } from "../../control/client.ts";
import { askFleet, type DeclaredHandler, type Fleet } from "../../control/fleet.ts";
import { matchesAny } from "../../control/handler-names.ts";
import type { DescribedHandler } from "../../describe/asyncapi.ts";
import { type FleetBreak, type FleetHandler, fleetBreaks } from "../../describe/fleet.ts";
import { type Output, printLine, type Terminal } from "../../terminal/terminal.ts";
import { visible } from "../../terminal/visible.ts";
import { countText } from "../control-session.ts";
import { describedHere } from "../described-here.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { withConnection } from "../nats-client.ts";

const BREAKS: ExitCode = 1;

/** 0: nothing breaks; 1: something does. Rejects with NATS_UNREACHABLE when no runtime answers. */
export async function describeFleet({ terminal, options }: Invocation<{ readonly json?: boolean }>): Promise<ExitCode> {
  return withConnection<ExitCode>(terminal, options, async (connection, config) => {
    const { app, nats } = config;
    const here = await describedHere(terminal, config);
    if (here === undefined) return BREAKS;
    const fleet = await askFleet({ connection, app, inboxPrefix: nats.inboxPrefix, clock: systemClock });
    if (fleet.apps.length === 0) throw noRuntime(app);
    const breaks = fleetBreaks(fleet.handlers, afterwards(fleet.handlers, here, config), app);
    if (options.json === true) printLine(terminal.out, JSON.stringify({ ...told(fleet), breaks }, null, 2));
    else tell(fleet, breaks, terminal);
    return breaks.length === 0 ? 0 : BREAKS;
  });
}

/** The handlers here take the place of the app's own, but of those that another deployment of it has (`only`). */
function afterwards(
  running: readonly DeclaredHandler[],
  here: readonly DescribedHandler[],
  { app, only }: ResolvedConfig,
): FleetHandler[] {
  const isReplaced = only.length === 0 ? () => true : matchesAny(only);
  const others = running.filter((one) => one.app !== app || !isReplaced(one.name));
  return [...others, ...here.map((one) => ({ ...one, app }))];
}

function told({ apps, unknown, silent }: Fleet) {
  return { apps, unknown, silent };
}

function tell({ apps, unknown, silent }: Fleet, breaks: readonly FleetBreak[], { out, err }: Terminal): void {
  for (const { app, handler, why } of unknown)
    printLine(err, `${err.paint("yellow", "!")} ${handler} of ${app} is not compared: ${visible(why)}`);
  for (const { app, replica } of silent)
    printLine(
      err,
      `${err.paint("yellow", "!")} replica ${replica} of ${app} does not answer: what it runs is not compared`,
    );
  for (const one of breaks) printLine(out, breakLine(one, out));
  const asked = `${countText(apps.length, "running app")} (${apps.join(", ")})`;
  if (breaks.length === 0) printLine(err, `nothing breaks in ${asked}`);
}

/** `crm sync publishes shop.order: "note" is required, and may be missing (required) · orders/save of shop takes it` */
function breakLine({ app, handler, does, subject, path, rule, text, other }: FleetBreak, { paint }: Output): string {
  const where = path === "" ? "" : ` "${path}"`;
  const end = `${other.handler} of ${other.app}`;
  const who = `${paint("bold", handler)} of ${app} ${does} ${subject}`;
  return `${paint("red", "✗")} ${who}:${where} ${text} ${paint("dim", `(${rule}) · at the other end: ${end}`)}`;
}
