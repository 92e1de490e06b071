// Everything here is optional: without this file the app is named after package.json and serves `handlers/`.

import { defineConfig } from "nats-handlers";

export default defineConfig({
  app: "todo",
  // Kept until every durable handler has had it. "todo.list" is a request: in a stream it could not be answered.
  streams: [{ name: "TODO", subjects: ["todo.newitem", "todo.itemsaved"], maxAge: "7d" }],
});
