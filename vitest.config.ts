// Two projects: `unit` is fakes only and fast; `integration` runs real processes and a real nats-server, one file at a time.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const alias = { "nats-handlers": fileURLToPath(new URL("./sdk/index.ts", import.meta.url)) };

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: {
          name: "unit",
          include: ["test/*.test.ts", "test/unit/**/*.test.ts"],
          typecheck: { enabled: true, include: ["test/types/**/*.test-d.ts"] },
        },
      },
      {
        resolve: { alias },
        test: {
          name: "integration",
          include: ["test/contract/**/*.test.ts", "test/integration/**/*.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
