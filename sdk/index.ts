// What `import ... from "nats-handlers"` gives.

export type {
  AskNest,
  AskOptions,
  AskPlainly,
  BatchContext,
  ChangeContext,
  HandlerContext,
  HandlerLog,
  HeadersInput,
  LogMethod,
  MakeSchedule,
  MessageHeaders,
  PublishAfter,
  PublishAt,
  PublishFor,
  PublishOptions,
  RequestOptions,
  ScheduleOptions,
  SendOptions,
} from "./context.ts";
export type { Defer, DeferOptions, DeferredMessage } from "./defer.ts";
export type { HandlerDefaultsConfig, NatsConfig, StreamConfig, UserConfig } from "./define-config.ts";
export { defineConfig } from "./define-config.ts";
export type { EventDefinition, PayloadOf, PublishedOf } from "./define-event.ts";
export { defineEvent } from "./define-event.ts";
export type { LifecycleContext, Setup, Teardown } from "./define-handler.ts";
export { defineHandler } from "./define-handler.ts";
export type { AnswerOf, ReplyOf, RequestDefinition } from "./define-request.ts";
export { defineRequest } from "./define-request.ts";
export type { Duration } from "./duration.ts";
export { parseDuration } from "./duration.ts";
export type { FieldKey, HeaderKey, MessageKey, WildcardKey } from "./message-key.ts";
export type {
  BatchPolicy,
  CanaryPolicy,
  DebouncePolicy,
  FairPolicy,
  FieldOrder,
  FilteredMessage,
  HandlerMetadata,
  HandlerOptions,
  HeaderOrder,
  ObjectAbout,
  OfKeys,
  OfMessages,
  OfObjects,
  RateLimit,
  RatePolicy,
  RecyclePolicy,
  RetryPolicy,
  ThrottlePolicy,
  WildcardOrder,
} from "./metadata.ts";
export type { Once, OnceGiven } from "./once.ts";
export type { PayloadCodec, PayloadFormat } from "./payload.ts";
export type { CronSchedule, CronTimes, IntervalSchedule, IntervalTimes, Missing, Schedule } from "./schedule.ts";
export type { Size } from "./size.ts";
export { parseSize } from "./size.ts";
export type {
  BucketOptions,
  KvBucket,
  KvEntry,
  ObjectBucket,
  ObjectSummary,
  StoredContent,
  StoredObject,
  UsedBuckets,
} from "./stores.ts";
export type { SlowDownOptions, Verdict } from "./verdicts.ts";
export { GiveUp, RetryLater, SlowDown, verdictOf } from "./verdicts.ts";
