// Replies with the items, newest first: `handlers request todo.list '{"limit":10}'`.

import { defineHandler, type HandlerMetadata } from "nats-handlers";
import { z } from "zod";
import { TodoStore } from "./_store.ts";

export const metadata = {
  subject: "todo.list",
  kind: "request",
  description: "Replies with the items, newest first",
  // An empty request is one without wishes.
  schema: z.object({ limit: z.int().min(1).max(1_000).default(100) }).optional(),
} satisfies HandlerMetadata;

let store: TodoStore;

export function setup() {
  store = new TodoStore();
}

export function teardown() {
  store.close();
}

export default defineHandler(metadata, (query) => ({ items: store.list(query?.limit ?? 100) }));
