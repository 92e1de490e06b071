// Run once where an image is made, with NODE_COMPILE_CACHE set: loads all that `start` loads and starts nothing, so that
// Node keeps the compiled code. What it keeps holds for this Node, this place and this user, and may be read-only.

await import("./cli/run.ts");
await Promise.all([
  import("./cli/commands/start.ts"),
  import("./config/load.ts"),
  import("./on-nats.ts"),
  import("./observe/http.ts"),
  import("./observe/metrics.ts"),
]);
