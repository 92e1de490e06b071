// What `import ... from "nats-handlers/testing"` gives; its types are those of sdk/testing.ts.

export type {
  BatchedMessage,
  BatchOutcome,
  CapturedMessage,
  CrashPoint,
  CrashPointOptions,
  HandlerExports,
  HandlerLine,
  HandlerMessage,
  HandlerRun,
  LoggedLine,
  RunHandlerOptions,
  SentMessage,
  TestDeadLetter,
  TestOutcome,
  TestPayload,
  TestRuntime,
  TestRuntimeOptions,
  TestSettlement,
} from "../../sdk/testing.ts";
export { crashPoints } from "./crash-points.ts";
export { readMessages } from "./read-messages.ts";
export { runBatch } from "./run-batch.ts";
export { runHandler } from "./run-handler.ts";
export { startTestRuntime } from "./start-test-runtime.ts";
