// What every binding promises (message/binding.ts), as one suite. Those to a real nats-server pass it, and the one in memory
// that the stories of supervise/ run on.

import { afterEach, beforeEach, expect, it } from "vitest";
import { RuntimeError } from "../../runtime/errors.ts";
import type { Binding, BindingOwner, PlannedBinding } from "../../runtime/message/binding.ts";
import type { Delivery } from "../../runtime/message/delivery.ts";
import { NO_BOARD } from "../../runtime/message/hold.ts";
import type { Settlement } from "../../runtime/message/settlement.ts";
import type { ResolvedMetadata } from "../../runtime/metadata/handler-metadata.ts";

/** One runtime of several that share the work. */
export interface ContractReplica {
  plan(handler: string, metadata: ResolvedMetadata): Promise<PlannedBinding>;
  /** Subscriptions it has now. */
  readonly standing: number;
}

export interface ContractStage {
  /** Of a handler of the kind that is tested. */
  metadata(subject: string): ResolvedMetadata;
  replica(): Promise<ContractReplica>;
  /** Resolves when they are on their way. Subjects below `t.` can be bound. */
  publish(subject: string, ...texts: readonly string[]): Promise<void>;
  /** How a message ends well, and how badly, in a way that is told. */
  readonly good: Settlement;
  readonly bad: Settlement;
  /** Messages handed over to the handler whose end can be seen from outside and has not been; undefined: none is seen. */
  open(handler: string): Promise<number | undefined>;
  /** What cannot be bound, and how that is told. */
  readonly refused: { readonly subject: string; readonly code: string };
}

/** An owner of a binding that notes what it is given. */
class Taker implements BindingOwner {
  readonly taken: Delivery[] = [];
  readonly overflowed: Delivery[] = [];
  readonly faults: RuntimeError[] = [];
  /** What it says to the next messages, before it takes all. */
  answers: (() => boolean)[] = [];
  room = 1_000;
  binding!: Binding;
  private waiting: (() => void)[] = [];

  accept(delivery: Delivery): boolean {
    const answer = this.answers.shift();
    if (answer !== undefined) return answer();
    this.note(this.taken, delivery);
    return true;
  }

  letPass(why: string): void {
    throw new Error(`${why}: nothing asks for that`);
  }

  async bind(plan: PlannedBinding, handler: string, metadata: ResolvedMetadata): Promise<this> {
    this.binding = await plan.bind({
      handler,
      metadata,
      owner: this,
      onOverflow: (delivery) => this.note(this.overflowed, delivery),
      holds: NO_BOARD,
      onFault: (error) => void this.faults.push(error),
      onMoved: () => undefined,
    });
    return this;
  }

  /** Resolves when so many have come, taken or not. */
  async until(count: number): Promise<Delivery[]> {
    while (this.taken.length + this.overflowed.length < count) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    return [...this.taken, ...this.overflowed];
  }

  private note(where: Delivery[], delivery: Delivery): void {
    where.push(delivery);
    for (const wake of this.waiting.splice(0)) wake();
  }
}

const textOf = ({ data }: Delivery) => Buffer.from(data).toString();
const textsOf = (deliveries: readonly Delivery[]) => deliveries.map(textOf);

/** Call it within a `describe`. */
export function bindingContract(use: () => ContractStage): void {
  let stage: ContractStage;
  let replica: ContractReplica;
  const takers: Taker[] = [];

  beforeEach(async () => {
    stage = use();
    replica = await stage.replica();
  });

  afterEach(async () => {
    for (const { binding, taken } of takers.splice(0)) {
      for (const delivery of taken) binding.apply(delivery, stage.good);
      await binding.unbind();
    }
  });

  async function bind(subject: string, handler = "h", on = replica): Promise<Taker> {
    const metadata = stage.metadata(subject);
    const taker = await new Taker().bind(await on.plan(handler, metadata), handler, metadata);
    takers.push(taker);
    return taker;
  }

  it("hands over what its subject matches, and nothing else, with subject and payload", async () => {
    const taker = await bind("t.*");
    await stage.publish("t.a", "1");
    await stage.publish("t.a.b", "too deep");
    await stage.publish("t.b", "2", "3");
    const came = await taker.until(3);
    expect(came.map((delivery) => [delivery.subject, textOf(delivery), delivery.attempt])).toEqual([
      ["t.a", "1", 1],
      ["t.b", "2", 1],
      ["t.b", "3", 1],
    ]);
  });

  it("numbers its messages under the prefix that was planned", async () => {
    const metadata = stage.metadata("t.a");
    const plan = await replica.plan("h", metadata);
    const taker = await new Taker().bind(plan, "h", metadata);
    takers.push(taker);
    await stage.publish("t.a", "1", "2", "3");
    const came = await taker.until(3);
    expect(taker.binding.idPrefixes).toEqual(plan.idPrefixes);
    expect(new Set(came.map(({ seq }) => seq)).size).toBe(3);
  });

  it("gives each handler of a subject its own copy", async () => {
    const [one, other] = [await bind("t.a", "one"), await bind("t.*", "other")];
    await stage.publish("t.a", "1", "2");
    expect([textsOf(await one.until(2)), textsOf(await other.until(2))]).toEqual([
      ["1", "2"],
      ["1", "2"],
    ]);
  });

  it("a message that its owner does not take is told of, or comes again", async () => {
    const taker = await bind("t.a");
    taker.answers = [() => false];
    await stage.publish("t.a", "1", "2");
    expect(textsOf(await taker.until(2)).sort()).toEqual(["1", "2"]);
  });

  it("an owner that throws does not make it deaf, and the fault is told", async () => {
    const taker = await bind("t.a");
    taker.answers = [
      () => {
        throw new Error("no");
      },
    ];
    await stage.publish("t.a", "1", "2");
    expect(textsOf(await taker.until(1))).toContain("2");
    expect(taker.faults.map(({ message }) => message)).toEqual([expect.stringContaining("no")]);
  });

  it("settles a message once: a second settlement does nothing and says nothing", async () => {
    const taker = await bind("t.a");
    await stage.publish("t.a", "1");
    const [delivery] = await taker.until(1);
    expect(taker.binding.apply(delivery!, stage.bad)).toMatch(/./);
    expect(taker.binding.apply(delivery!, stage.bad)).toBeUndefined();
    expect(taker.binding.apply(delivery!, stage.good)).toBeUndefined();
    await expect.poll(() => stage.open("h")).toSatisfy((open) => open === 0 || open === undefined);
  });

  it("has nothing to do with a message of another, and goes on", async () => {
    const taker = await bind("t.a");
    const strange = { subject: "t.a", data: new Uint8Array(1), headers: undefined, seq: 1, attempt: 1, hops: 0 };
    expect(taker.binding.apply(strange, stage.bad)).toBeUndefined();
    taker.binding.chunk(strange, new Uint8Array(1));
    taker.binding.roomChanged();
    await stage.publish("t.a", "1");
    expect(textsOf(await taker.until(1))).toEqual(["1"]);
  });

  it("takes nothing once it is unbound, however often it is told to", async () => {
    const [taker, witness] = [await bind("t.a"), await bind("t.a", "witness")];
    await Promise.all([taker.binding.unbind(), taker.binding.unbind()]);
    await taker.binding.unbind();
    await stage.publish("t.a", "late");
    await witness.until(1);
    expect(taker.taken).toEqual([]);
  });

  it("what is in hand when it is unbound is settled all the same", async () => {
    const taker = await bind("t.a");
    await stage.publish("t.a", "1");
    const [delivery] = await taker.until(1);
    await taker.binding.unbind();
    const open = await stage.open("h");
    expect(open ?? 1).toBe(1);
    taker.binding.apply(delivery!, stage.good);
    await expect.poll(() => stage.open("h")).toSatisfy((left) => left === 0 || left === undefined);
  });

  it("unbound amid its messages, it neither loses one nor doubles one: another replica takes the rest", async () => {
    const texts = Array.from({ length: 300 }, (_, at) => String(at));
    const [first, ...parts] = [0, 100, 200].map((at) => texts.slice(at, at + 100));
    const one = await bind("t.a");
    await stage.publish("t.a", ...first!);
    await one.until(1);
    const other = await bind("t.a", "h", await stage.replica());
    const unbound = one.binding.unbind();
    for (const part of parts) await stage.publish("t.a", ...part);
    await unbound;
    const had = one.taken.length;
    await other.until(texts.length - had);
    await stage.publish("t.a", "last");
    const came = textsOf([...one.taken, ...(await other.until(texts.length - had + 1))]);
    expect(came.toSorted((a, b) => Number(a) - Number(b))).toEqual(
      [...texts, "last"].toSorted((a, b) => Number(a) - Number(b)),
    );
  });

  it("leaves no subscription and no open message behind, however often it is bound", async () => {
    const left: number[] = [];
    for (const text of ["1", "2", "3"]) {
      const taker = await bind("t.a");
      await stage.publish("t.a", text);
      const [delivery] = await taker.until(1);
      taker.binding.apply(delivery!, stage.good);
      await taker.binding.unbind();
      left.push(replica.standing);
    }
    // The first may leave what all bindings of the connection share.
    expect(left.slice(1)).toEqual([left[0], left[0]]);
    await expect.poll(() => stage.open("h")).toSatisfy((open) => open === 0 || open === undefined);
  });

  it("says by an error with a code what it cannot bind, and leaves nothing behind", async () => {
    const { subject, code } = stage.refused;
    await expect(bind(subject)).rejects.toBeInstanceOf(RuntimeError);
    const before = replica.standing;
    await expect(bind(subject)).rejects.toMatchObject({ code });
    expect(replica.standing).toBe(before);
    const taker = await bind("t.a");
    await stage.publish("t.a", "1");
    expect(textsOf(await taker.until(1))).toEqual(["1"]);
  });
}
