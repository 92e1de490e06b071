// The letters of an app, as the account wants them.

import type { NatsConnection } from "@nats-io/transport-node";
import { DeadLetterBox } from "../../runtime/dead-letters/dead-letter-box.ts";
import type { Letter } from "./account.ts";
import type { Deployment } from "./contender.ts";

export async function lettersOf(client: NatsConnection, { app, handlers }: Deployment): Promise<Letter[]> {
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
