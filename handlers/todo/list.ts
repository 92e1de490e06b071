import { defineHandler } from "nats-handlers";
export const metadata = { subject: "todo.list", kind: "request" } as const;
export default defineHandler(metadata, (event, ctx) => ({ items: [], asked: event ?? null }));
