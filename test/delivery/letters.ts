// The letters of an app, as the account wants them.

import type { NatsConnection } from "@nats-io/transport-node";
import { systemClock } from "../../runtime/clock.ts";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import { ELECTIONS_MS, Patience } from "../../runtime/nats/patience.ts";
import type { Letter } from "./account.ts";
import type { Deployment } from "./contender.ts";

/** While a cluster chooses a leader nobody answers: asked again then. */
export function lettersOf(client: NatsConnection, deployed: Deployment): Promise<Letter[]> {
  return new Patience(systemClock, ELECTIONS_MS).surely(() => lettersNow(client, deployed));
}

async function lettersNow(client: NatsConnection, { app, handlers }: Deployment): Promise<Letter[]> {
  const box = new DeadLetterBox(client, app);
  const letters: Letter[] = [];
  for (const { id } of await box.list()) {
    const letter = await box.show(id);
    if (letter === undefined) continue;
    const { handler, reason, message: text, data } = letter;
    const by = handlers.find(({ name }) => name === handler)?.by ?? handler;
    const message = JSON.parse(Buffer.from(data).toString()) as { readonly id: number };
    letters.push({ id: message.id, by, reason, text });
  }
  return letters;
}
