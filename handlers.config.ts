// Everything here is optional: without this file the app is named after package.json and serves `handlers/`.

import { defineConfig } from "nats-handlers";

export default defineConfig({
  app: "todo",
});
