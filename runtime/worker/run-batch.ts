// A batch, from the bytes of its messages to how each has ended. There is no socket here and no frame, as in run-once.ts, which
// takes each message as far as the function.
//
// T1  What is wrong with one message, and what `when` lets pass, ends by itself and does not reach the function.
// T2  What the function does is the end of all it was given, but for those that it has failed by name, and those that
//     published what nobody awaited, and that failed.
// T3  It never rejects.

import { RETURNED } from "../message/outcome.ts";
import { BatchContext } from "./batch-context.ts";
import type { ContextDeps, DeliveryContext } from "./context.ts";
import { assertNoGenerator, type HandlerProgram, type Incoming, type RunOwner, runOnce } from "./run-once.ts";
import { outcomeOfThrown, type RunOutcome } from "./run-outcome.ts";

export interface BatchEnd {
  /** Of those that are not named. */
  readonly outcome: RunOutcome;
  /** By their place among the messages. */
  readonly named: ReadonlyMap<number, RunOutcome>;
}

interface Member {
  readonly context: DeliveryContext;
  readonly checked: RunOutcome | Promise<RunOutcome>;
}

/** What a handler with replies, or an order, would need. */
const OWNER: RunOwner = { turns: undefined, chunk: async () => undefined };

export class BatchRun {
  private readonly program: HandlerProgram;
  private readonly services: ContextDeps;
  private readonly checks: HandlerProgram;
  private readonly members: Member[] = [];
  /** What is to be given to the function. */
  private readonly contents = new Map<unknown, unknown>();
  private readonly controller = new AbortController();

  constructor(program: HandlerProgram, services: ContextDeps) {
    this.program = program;
    this.services = services;
    this.checks = { ...program, handler: (content, context) => void this.contents.set(context, content) };
  }

  /** The bytes are read now, and not kept. */
  add(incoming: Incoming, context: DeliveryContext): void {
    this.members.push({ context, checked: runOnce(this.checks, incoming, context, OWNER) });
  }

  abort(reason: Error): void {
    for (const { context } of this.members) context.abort(reason);
    this.controller.abort(reason);
  }

  /** To be called once, when all have been added. */
  async run(): Promise<BatchEnd> {
    const named = new Map<number, RunOutcome>();
    const places: number[] = [];
    for (const [place, { checked }] of this.members.entries()) {
      const outcome = await checked;
      if (outcome.kind === "returned") places.push(place);
      else named.set(place, outcome);
    }
    if (places.length === 0) return { outcome: RETURNED as RunOutcome, named };
    const messages = places.map((place) => this.members[place]!.context);
    const { link, start } = this.services;
    const context = new BatchContext(messages, { signal: this.controller.signal, shadow: start.shadow === true, link });
    const outcome = await this.call(context);
    for (const [index, place] of places.entries()) {
      const failure =
        context.failureOf(index) ?? (outcome.kind === "returned" ? await unseen(messages[index]!) : undefined);
      if (failure !== undefined) named.set(place, failure);
    }
    return { outcome, named };
  }

  private async call(context: BatchContext): Promise<RunOutcome> {
    try {
      const contents = context.messages.map((message) => this.contents.get(message));
      assertNoGenerator(await this.program.handler(contents, context));
      return RETURNED as RunOutcome;
    } catch (error) {
      return outcomeOfThrown(error);
    } finally {
      context.close();
    }
  }
}

/** T2: of its publishes. */
async function unseen(context: DeliveryContext): Promise<RunOutcome | undefined> {
  if (!context.hasUnconfirmed) return undefined;
  try {
    await context.allConfirmed();
    return undefined;
  } catch (error) {
    return outcomeOfThrown(error);
  }
}
