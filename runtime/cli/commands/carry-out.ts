// `handlers carry-out`, for the page: does to many letters what stdin says, and tells the pages of the app.

import { systemClock } from "../../clock.ts";
import { DeadLetterBox } from "../../dead-letters/dead-letter-box.ts";
import { carryOutAlone } from "../../page/carry-out-alone.ts";
import type { Order } from "../../page/order.ts";
import { withControl } from "../control-session.ts";
import type { ExitCode } from "../exit-code.ts";
import type { GlobalOptions } from "../global-options.ts";
import type { Invocation } from "../invocation.ts";

export async function carryOut({ terminal, options }: Invocation<GlobalOptions>): Promise<ExitCode> {
  const order = JSON.parse(await terminal.readStdin()) as Order;
  return withControl<ExitCode>(terminal, options, async (session) => {
    const letters = new DeadLetterBox(session.connection, session.app);
    await carryOutAlone(order, { ...session, letters, clock: systemClock });
    return 0;
  });
}
