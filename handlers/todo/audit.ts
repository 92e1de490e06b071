// Hears everything that happens to to-dos, and nobody who publishes knows of it.

import { defineHandler, type HandlerMetadata } from "nats-handlers";

export const metadata = { subject: "todo.>", description: "Logs every message" } satisfies HandlerMetadata;

export default defineHandler(metadata, (event, ctx) => ctx.log.info({ event }, `saw ${ctx.subject}`));
