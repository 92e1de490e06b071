// A feature added later: tidies the text of saved items. Neither the publisher nor `todo/save` knows of it.

import { defineHandler, type HandlerMetadata } from "nats-handlers";
import { itemSaved } from "./_events.ts";
import { TodoStore } from "./_store.ts";

export const metadata = {
  ...itemSaved,
  kind: "durable",
  retry: { attempts: 5, backoff: ["1s", "5s", "30s"] },
  description: "Tidies the text of saved items",
} satisfies HandlerMetadata;

let store: TodoStore;

export function setup() {
  store = new TodoStore();
}

export function teardown() {
  store.close();
}

export default defineHandler(metadata, ({ id }, ctx) => {
  const mutated = store.mutate(id, tidy);
  if (mutated === undefined) ctx.log.warn({ id }, "saved, but not in the database");
});

/** Tidying twice is the same as tidying once. */
function tidy(item: string): string {
  const text = item.trim().replace(/\s+/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
