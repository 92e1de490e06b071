// Hears everything that happens to to-dos, and nobody who publishes knows of it.

import { defineHandler } from "nats-handlers";

export const metadata = { subject: "todo.>" } as const;

export default defineHandler(metadata, (event, ctx) => ctx.log.info({ event }, `saw ${ctx.subject}`));
