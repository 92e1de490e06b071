// What the handler of every row does with a message, whoever runs it: the message itself says whether it ends well, throws,
// or kills its process. What has been handled stands in a file, which no kill takes away.

import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/**
 * @param message `{ id, does, ms }`: see message.ts
 * @param run `{ ledger, by, version, attempt, attempts, forward }`; `forward(id)`, where there is one, publishes on
 */
export async function work({ id, does = "ends", ms = id % 10 }, run) {
  if (does === "throws") throw new Error(`bad ${id}`);
  if (does === "dies" || (does === "dies-last" && run.attempt >= run.attempts)) process.kill(process.pid, "SIGKILL");
  if (does === "dies-last") throw new Error(`bad ${id}`);
  if (does === "loops") for (;;);
  if (does === "eats") eatMemory();
  if (existsSync(`${run.ledger}.away`)) throw new Error(`what ${id} needs is away`);
  await delay(ms);
  await run.forward?.(id);
  appendFileSync(run.ledger, `${id} ${run.by} ${run.version}\n`);
}

function eatMemory() {
  const eaten = [];
  for (;;) eaten.push(new Array(1_000_000).fill({ of: eaten.length }));
}
