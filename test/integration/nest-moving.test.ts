// A NestJS service moved handler by handler while its callers go on: real Nest client and server, callers untouched. Then back.
// @module-tag any-server

import { RpcException } from "@nestjs/microservices";
import { afterEach, expect, it } from "vitest";
import { systemClock } from "../../runtime/clock.ts";
import { type NestApp, type NestCaller, type NestMethod, nestCaller, startNestApp } from "../support/nest-app.ts";
import { type TestRuntime, useStage } from "../support/runtime.ts";
import { volume } from "../support/volume.ts";

const stage = useStage();
const TICK_MS = 10;
const PER_SECOND = 200;
/** Messages of each pattern that a side must have handled before it moves on. */
const ANSWERS = volume(30);
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Who has handled it. */
type Side = "nest" | "handlers";

interface Asked {
  readonly pattern: string;
  readonly n: number;
}

/** As it stands in the Nest service, and as a handler file. Both say which of them it was. */
interface Moving {
  readonly on: NestMethod["on"];
  readonly pattern: string;
  readonly run: NestMethod["run"];
  readonly file: string;
}

const request = (pattern: string, run: NestMethod["run"], body: string): Moving => ({
  on: "message",
  pattern,
  run,
  file: `
    export const metadata = { subject: "${pattern}", kind: "request" };
    export default (data) => { ${body} };`,
});

/** What it has heard is published, for the test to count. */
const event = (pattern: string): Moving => ({
  on: "event",
  pattern,
  run: ({ n }: { n: number }) => stage.client.publish("heard", { pattern, n, by: "nest" }),
  file: `
    export const metadata = { subject: "${pattern}" };
    export default ({ n }, ctx) => ctx.publish("heard", { pattern: "${pattern}", n, by: "handlers" });`,
});

const half = ({ n }: { n: number }) => {
  if (n % 2 === 0) return { n: n / 2, by: "nest" };
  throw new RpcException({ code: "ODD", n, by: "nest" });
};

const patternsOf = (shop: string): Moving[] => [
  request(`${shop}.echo`, ({ n }: { n: number }) => ({ n, by: "nest" }), 'return { n: data.n, by: "handlers" };'),
  event(`${shop}.created`),
  request(
    `${shop}.half`,
    half,
    `if (data.n % 2 === 0) return { n: data.n / 2, by: "handlers" };
     throw Object.assign(new Error("odd"), { getError: () => ({ code: "ODD", n: data.n, by: "handlers" }) });`,
  ),
  event(`${shop}.sent`),
  request(
    `${shop}.later`,
    async ({ n }: { n: number }) => ({ n: n + 1, by: "nest" }),
    `return Promise.resolve({ n: data.n + 1, by: "handlers" });`,
  ),
];
/** Ten. */
const PATTERNS = [...patternsOf("orders"), ...patternsOf("bills")];
const REQUESTS = PATTERNS.filter(({ on }) => on === "message").map(({ pattern }) => pattern);
const EVENTS = PATTERNS.filter(({ on }) => on === "event").map(({ pattern }) => pattern);

/** What a caller must get, whoever answers: what differs is `by`. */
function expected({ pattern, n }: Asked): object {
  if (pattern.endsWith(".echo")) return { n };
  if (pattern.endsWith(".later")) return { n: n + 1 };
  return n % 2 === 0 ? { n: n / 2 } : { code: "ODD", n };
}

/** Handler `orders/echo` of app `shop` takes "orders.echo" in the queue group "shop.orders.echo". */
const fileOf = (pattern: string) => `${pattern.replaceAll(".", "/")}.ts`;
const handlerOf = (pattern: string) => pattern.replaceAll(".", "/");
const methodOf = ({ on, pattern, run }: Moving): NestMethod => ({ on, pattern, run, queue: `shop.${pattern}` });

/** A rollout of the Nest service: the new one takes messages before the old one is gone. */
class NestService {
  private app: NestApp | undefined;

  async roll(patterns: readonly Moving[]): Promise<void> {
    const before = this.app;
    this.app = await startNestApp(stage.server.url, patterns.map(methodOf));
    await before?.drain();
  }

  async stop(): Promise<void> {
    await this.app?.drain();
    this.app = undefined;
  }
}

/** Requests and events, each at a steady rate, and what has become of them. */
class Load {
  readonly wrong: object[] = [];
  readonly emitted: Asked[] = [];
  private readonly caller: NestCaller;
  private readonly answers = new Map<string, number>();
  private readonly open = new Set<Promise<void>>();
  private readonly timer: { cancel(): void };
  private sent = 0;

  constructor(caller: NestCaller) {
    this.caller = caller;
    const startedAtMs = systemClock.monotonicMs();
    this.timer = systemClock.every(TICK_MS, () => {
      const due = ((systemClock.monotonicMs() - startedAtMs) / 1_000) * PER_SECOND;
      for (; this.sent < due; this.sent++) this.next(this.sent);
    });
  }

  /** Good answers, exceptions that were meant included. */
  answered(pattern: string, by: Side): number {
    return this.answers.get(`${pattern} ${by}`) ?? 0;
  }

  async stop(): Promise<void> {
    this.timer.cancel();
    await Promise.all(this.open);
  }

  private next(n: number): void {
    this.track(this.ask({ pattern: REQUESTS[n % REQUESTS.length]!, n }));
    const emitted = { pattern: EVENTS[n % EVENTS.length]!, n };
    this.emitted.push(emitted);
    this.track(this.caller.emit(emitted.pattern, { n }));
  }

  private async ask(asked: Asked): Promise<void> {
    const answer = (await this.caller.send(asked.pattern, { n: asked.n }).catch((error: unknown) => error)) as {
      readonly by?: Side;
    };
    const { by, ...rest } = answer;
    const key = `${asked.pattern} ${by}`;
    if (JSON.stringify(rest) === JSON.stringify(expected(asked)))
      this.answers.set(key, (this.answers.get(key) ?? 0) + 1);
    else this.wrong.push({ asked, answer });
  }

  private track(doing: Promise<void>): void {
    this.open.add(doing);
    void doing.then(() => this.open.delete(doing));
  }
}

/** Until either has done its part of what is asked and emitted. */
async function untilBy(side: Side, load: Load, heard: readonly { pattern: string; by: Side }[], pattern: string) {
  const before = load.answered(pattern, side);
  const already = heard.filter((one) => one.pattern === pattern && one.by === side).length;
  const done = () =>
    EVENTS.includes(pattern)
      ? heard.filter((one) => one.pattern === pattern && one.by === side).length - already
      : load.answered(pattern, side) - before;
  await expect.poll(done).toBeGreaterThanOrEqual(ANSWERS);
}

const serves = (app: TestRuntime, { pattern, file }: Moving) =>
  app.after(() => app.project.write(fileOf(pattern), file), "handler.serving", { handler: handlerOf(pattern) });

const leaves = (app: TestRuntime, { pattern }: Moving) =>
  app.after(() => app.project.remove(fileOf(pattern)), "handler.unbound", { handler: handlerOf(pattern) });

it("a Nest service moves handler by handler under load and back: no request fails, no event is lost or doubled", async () => {
  const app = await stage.start({ config: { app: "shop", defaults: { envelope: "nest" } } });
  const heard = await stage.client.collect<Asked & { by: Side }>("heard");
  const service = new NestService();
  cleanups.push(() => service.stop());
  await service.roll(PATTERNS);
  const caller = await nestCaller(stage.server.url);
  cleanups.push(() => caller.close());
  const load = new Load(caller);
  cleanups.push(() => load.stop());
  for (const { pattern } of PATTERNS) await untilBy("nest", load, heard.values, pattern);

  for (const [index, moving] of PATTERNS.entries()) {
    await serves(app, moving);
    await service.roll(PATTERNS.slice(index + 1));
    await untilBy("handlers", load, heard.values, moving.pattern);
  }
  await service.stop();
  for (const { pattern } of PATTERNS) await untilBy("handlers", load, heard.values, pattern);

  for (const [index, moving] of PATTERNS.entries()) {
    await service.roll(PATTERNS.slice(0, index + 1));
    await leaves(app, moving);
    await untilBy("nest", load, heard.values, moving.pattern);
  }
  await load.stop();
  await heard.until(load.emitted.length);
  expect(load.wrong).toEqual([]);
  const numbersOf = (messages: readonly Asked[]) => messages.map(({ n }) => n).sort((a, b) => a - b);
  expect(numbersOf(heard.values)).toEqual(numbersOf(load.emitted));
  expect(app.told("delivery.failed").filter(({ outcome }) => outcome !== "threw")).toEqual([]);
});
