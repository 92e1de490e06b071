// Six projects: `unit` is fakes only and fast; `integration` runs real processes and a real nats-server, more files at a time than
// there are cores, as most of them wait more than they work; `alone` is the part of it that keeps the cores busy on purpose, one file at a time;
// `delivery` is a table of changes under load, each accounted for to the message; `page` is `handlers ui` in a
// browser, where there is one; `projects` installs real packages and runs real projects.
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** The longer name first: the shorter one is its beginning. */
const alias = {
  "nats-handlers/testing": fileOf("./runtime/testing/index.ts"),
  "nats-handlers/client": fileOf("./sdk/client.ts"),
  "nats-handlers/effect": fileOf("./sdk/effect.ts"),
  "nats-handlers": fileOf("./sdk/index.ts"),
};

/** Endless loops, floods and full heaps: others beside them would have to wait, and they are looked at for how they share. */
const ALONE = ["crowding", "effects", "greedy-handlers", "hogs"].map((name) => `test/integration/${name}.test.ts`);

/** On two cores three: of four the slowest get in each other's way. */
const FILES_AT_A_TIME = Math.max(3, Math.floor(1.5 * availableParallelism()));

const onServers = {
  globalSetup: ["test/support/global-setup.ts"],
  // A worker that comes up after a crash lets others go first: beside busy files that takes its time.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // A state that is awaited comes when it comes, on a busy machine too: what never comes fails all the same.
  expect: { poll: { timeout: 30_000 } },
};

export default defineConfig({
  test: {
    // `npm run test:nats` passes over them.
    tags: [{ name: "any-server", description: "The same on every version of nats-server." }],
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
          ...onServers,
          name: "integration",
          include: ["test/contract/**/*.test.ts", "test/integration/**/*.test.ts"],
          exclude: ALONE,
          maxWorkers: FILES_AT_A_TIME,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve: { alias },
        test: { ...onServers, name: "alone", include: ALONE, fileParallelism: false, sequence: { groupOrder: 2 } },
      },
      {
        resolve: { alias },
        test: {
          ...onServers,
          name: "delivery",
          include: ["test/delivery/**/*.test.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        resolve: { alias },
        test: {
          ...onServers,
          name: "page",
          include: ["test/page/**/*.test.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 5 },
        },
      },
      {
        resolve: { alias },
        test: { ...onServers, name: "projects", include: ["test/projects/*.test.ts"], sequence: { groupOrder: 4 } },
      },
    ],
  },
});
