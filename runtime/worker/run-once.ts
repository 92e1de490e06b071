// One message, from its bytes to its outcome: decode, open, filter, validate, wait for its turn, call, verdict. There is no socket here
// and no frame, so that whoever has a handler's exports can run it as the worker does.
//
// M1  It never throws and never rejects: whatever the author's code does is an outcome.
// M2  There is a promise only where the author's code makes one, or the message has to wait for its turn.

import type { PayloadFormat } from "../../sdk/payload.ts";
import { describeIssues, readIssues } from "../../sdk/schema-issues.ts";
import { lastPacket, openPacket, replyPacket, thrownForCaller, valuePacket } from "../message/nest-packet.ts";
import { RETURNED } from "../message/outcome.ts";
import type { Envelope } from "../metadata/handler-metadata.ts";
import { type Content, decodePayload } from "./decode-payload.ts";
import { encodeBy, NotSerializableError } from "./encode-payload.ts";
import type { FetchedContent } from "./large-content.ts";
import type { HandlerFunction, StandardResult, StandardSchema } from "./load.ts";
import { FILTERED, isWanted, type MessageFilter } from "./message-filter.ts";
import { assertPackable } from "./nest-calls.ts";
import { isObservable, type ObservableLike, runOut, valuesOf } from "./observable-values.ts";
import { outcomeOfThrown, type RunOutcome } from "./run-outcome.ts";

/** What the author wrote. */
export interface HandlerProgram {
  readonly handler: HandlerFunction;
  readonly schema: StandardSchema | undefined;
  /** Of what it returns or yields. */
  readonly reply: StandardSchema | undefined;
  readonly payload: PayloadFormat;
  readonly envelope: Envelope;
  readonly when: MessageFilter | undefined;
  /** What the handler returns or yields is sent to somebody. */
  readonly replies: boolean;
}

/** A message as it lies in its batch; the bytes are read before `runOnce` returns, and not kept. */
export interface Incoming extends Content {
  /** Unique among the messages that run. */
  readonly id: number;
}

/** What the run looks at of the context that the handler is given. */
export interface RunContext {
  readonly signal: AbortSignal;
  /** There is nothing to decode: what the message tells of is gone. */
  readonly isRemoval: boolean;
  /** Its content is not in the message: where it is. */
  readonly elsewhere?: string | undefined;
  fetchElsewhere(header: string): Promise<FetchedContent>;
  /** Something it publishes is on its way, or has failed. */
  readonly hasUnconfirmed: boolean;
  allConfirmed(): Promise<void>;
}

/** Whoever runs messages. */
export interface RunOwner {
  /** Sends one value of a streamed reply; resolves when the next may follow. */
  chunk(id: number, body: Uint8Array): Promise<void>;
  /** Of a handler that keeps an order. */
  readonly turns: Turns | undefined;
}

export interface Turns {
  /** What `start` gives, now or in its turn. Throws when the event has no turn; `start` neither throws nor rejects. */
  take<T>(id: number, event: unknown, message: unknown, start: () => T | Promise<T>): T | Promise<T>;
}

const RETURNED_VALUE = "the returned value";
const NO_REPLY: RunOutcome = { kind: "returned", reply: new Uint8Array(0) };
const NO_PACKET =
  'it is no packet of Nest, which has a `pattern` and `data`: who publishes this is no Nest client, or has a serializer of its own; the handler says `envelope: "nest"`';

/** Run one message (M1, M2). */
export function runOnce(
  program: HandlerProgram,
  incoming: Incoming,
  context: RunContext,
  owner: RunOwner,
): RunOutcome | Promise<RunOutcome> {
  try {
    const { elsewhere } = context;
    if (elsewhere !== undefined) return runFetched(program, incoming, context, owner, elsewhere);
    return new Run(program, incoming.id, context, owner).take(incoming);
  } catch (error) {
    return outcomeOfThrown(error);
  }
}

/** Of its own content nothing is left when it is run. */
async function runFetched(
  program: HandlerProgram,
  { id, contentType }: Incoming,
  context: RunContext,
  owner: RunOwner,
  elsewhere: string,
): Promise<RunOutcome> {
  try {
    const found = await context.fetchElsewhere(elsewhere);
    if ("gone" in found) return { kind: "invalid", message: found.gone, issues: [] };
    const { bytes } = found;
    return await new Run(program, id, context, owner).take({ bytes, start: 0, end: bytes.length, contentType });
  } catch (error) {
    return outcomeOfThrown(error);
  }
}

class Run {
  private readonly program: HandlerProgram;
  private readonly id: number;
  private readonly context: RunContext;
  private readonly owner: RunOwner;
  /** A text is answered as it is, and not as JSON. */
  private answersText = false;
  /** Of the packet it came in. */
  private packetId: unknown;

  constructor(program: HandlerProgram, id: number, context: RunContext, owner: RunOwner) {
    this.program = program;
    this.id = id;
    this.context = context;
    this.owner = owner;
  }

  take(content: Content): RunOutcome | Promise<RunOutcome> {
    if (this.context.isRemoval) return this.removed();
    const { payload, envelope } = this.program;
    const decoded = decodePayload(content, payload);
    if (decoded.kind === "unreadable") return { kind: "invalid", message: decoded.message, issues: [] };
    this.answersText = decoded.kind === "raw";
    return envelope === "nest" ? this.open(decoded.value) : this.admit(decoded.value);
  }

  /** The function gets no value, so there is none for the schema either. */
  private removed(): RunOutcome | Promise<RunOutcome> {
    const { when } = this.program;
    return when !== undefined && !isWanted(when, undefined, this.context) ? FILTERED : this.begin(undefined);
  }

  /** The function has thrown. */
  private failed(thrown: unknown): RunOutcome {
    const outcome = outcomeOfThrown(thrown);
    if (!this.repliesPackets || outcome.kind !== "threw") return outcome;
    const answer = thrownForCaller(thrown);
    return answer === undefined ? outcome : { ...outcome, answer };
  }

  private open(value: unknown): RunOutcome | Promise<RunOutcome> {
    const packet = openPacket(value);
    if (packet === undefined) return { kind: "invalid", message: NO_PACKET, issues: [] };
    this.packetId = packet.id;
    return this.admit(packet.data);
  }

  private admit(value: unknown): RunOutcome | Promise<RunOutcome> {
    const { when, schema } = this.program;
    // Before the schema: what is meant for another handler need not fit it.
    if (when !== undefined && !isWanted(when, value, this.context)) return FILTERED;
    if (schema === undefined) return this.begin(value);
    const result = schema["~standard"].validate(value);
    return result instanceof Promise ? this.validateLater(result) : this.validated(result);
  }

  private async validateLater(result: Promise<StandardResult>): Promise<RunOutcome> {
    try {
      return await this.validated(await result);
    } catch (error) {
      return outcomeOfThrown(error);
    }
  }

  private validated(result: StandardResult): RunOutcome | Promise<RunOutcome> {
    if (result.issues === undefined) return this.begin(result.value);
    const issues = readIssues(result.issues);
    return { kind: "invalid", message: describeIssues(issues), issues };
  }

  private begin(event: unknown): RunOutcome | Promise<RunOutcome> {
    const { turns } = this.owner;
    return turns === undefined ? this.call(event) : turns.take(this.id, event, this.context, () => this.call(event));
  }

  private call(event: unknown): RunOutcome | Promise<RunOutcome> {
    try {
      const returned = this.program.handler(event, this.context);
      const { context, program } = this;
      const isLate =
        isThenable(returned) ||
        context.hasUnconfirmed ||
        program.reply !== undefined ||
        this.streams(returned) ||
        this.flows(returned);
      return isLate ? this.finishLater(returned) : this.returned(returned);
    } catch (error) {
      return this.failed(error);
    }
  }

  private async finishLater(returning: unknown): Promise<RunOutcome> {
    try {
      const value = await this.taken(await returning);
      assertNoGenerator(value); // Before anything leaves that was kept back for a function that has run.
      if (this.context.hasUnconfirmed) await this.context.allConfirmed();
      return this.returned(value);
    } catch (error) {
      return this.failed(error);
    }
  }

  /** What there is to answer once nothing streams any more. */
  private taken(returned: unknown): Promise<unknown> {
    if (this.flows(returned)) return this.program.replies ? this.stream(valuesOf(returned)) : runOut(returned);
    return this.streams(returned) ? this.stream(returned) : this.checked(returned, RETURNED_VALUE);
  }

  /** ADR-47: one message per value; the empty message that ends the stream is the settlement's. */
  private async stream(values: AsyncIterable<unknown>): Promise<undefined> {
    for await (const value of values) {
      const what = "the yielded value";
      const checked = await this.checked(value, what);
      await this.owner.chunk(this.id, this.encode(this.repliesPackets ? this.packed(checked, what) : checked, what));
      if (this.context.signal.aborted) break;
    }
    return undefined;
  }

  /** What is sent is what the handler gave: whoever receives it applies the schema. */
  private async checked(value: unknown, what: string): Promise<unknown> {
    const result = await this.program.reply?.["~standard"].validate(value);
    if (result?.issues === undefined) return value;
    throw new NotSerializableError(
      `${what} does not fit the schema of the reply: ${describeIssues(readIssues(result.issues))}`,
    );
  }

  private streams(value: unknown): value is AsyncIterable<unknown> {
    return this.program.replies && isAsyncIterable(value);
  }

  private flows(value: unknown): value is ObservableLike {
    return this.program.envelope === "nest" && isObservable(value);
  }

  private returned(value: unknown): RunOutcome {
    assertNoGenerator(value);
    if (!this.program.replies) return RETURNED as RunOutcome;
    if (this.repliesPackets) return this.returnedPacket(value);
    if (value === undefined) return NO_REPLY;
    return { kind: "returned", reply: this.encode(value, RETURNED_VALUE) };
  }

  private returnedPacket(value: unknown): RunOutcome {
    const id = this.packetId;
    assertPackable(value, RETURNED_VALUE);
    const packet = value === undefined ? lastPacket(id) : replyPacket(id, value);
    return { kind: "returned", reply: this.encode(packet, RETURNED_VALUE) };
  }

  private packed(value: unknown, what: string): object {
    assertPackable(value, what);
    return valuePacket(this.packetId, value);
  }

  private get repliesPackets(): boolean {
    return this.program.replies && this.program.envelope === "nest";
  }

  private encode(value: unknown, what: string): Uint8Array {
    return encodeBy(this.program.payload, value, what, this.answersText);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && typeof value === "object" && typeof (value as { then?: unknown }).then === "function";
}

/** Of one that does not stream nothing runs, and whoever wrote it expects it to. */
export function assertNoGenerator(returned: unknown): void {
  if (isGenerator(returned)) throw new TypeError("the handler gave a generator, of which nothing has run");
}

function isGenerator(value: unknown): boolean {
  if (value === null || typeof value !== "object") return false;
  const tag = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return tag === "Generator" || tag === "AsyncGenerator";
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return value !== null && typeof value === "object" && Symbol.asyncIterator in value;
}
