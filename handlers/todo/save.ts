// Saves each new item, then tells whoever cares that it is saved.

import { defineHandler, type HandlerMetadata } from "nats-handlers";
import { itemSaved, newItem } from "./_events.ts";
import { TodoStore } from "./_store.ts";

export const metadata = {
  ...newItem,
  publishes: [itemSaved],
  kind: "durable",
  description: "Saves new items",
  concurrency: 8,
  timeout: "10s",
  retry: { attempts: 5, backoff: ["1s", "5s", "30s"] },
} satisfies HandlerMetadata;

let store: TodoStore;

export function setup() {
  store = new TodoStore();
}

export function teardown() {
  store.close();
}

export default defineHandler(metadata, async (todo, ctx) => {
  store.save(todo);
  await ctx.publish(itemSaved, { id: todo.id });
});
