// Bindings in memory, for the stories of supervise/: a test hands messages in, and sees what was settled. They keep the
// promises of binding-contract.ts.

import type { Binder } from "../../runtime/bind/binder.ts";
import { RuntimeError } from "../../runtime/errors.ts";
import type { Binding, BindRequest, PlannedBinding } from "../../runtime/message/binding.ts";
import type { Delivery } from "../../runtime/message/delivery.ts";
import type { Settlement } from "../../runtime/message/settlement.ts";
import type { ResolvedMetadata } from "../../runtime/metadata/handler-metadata.ts";
import { matches } from "../../runtime/metadata/subject.ts";

export class FakeBinding implements Binding {
  readonly idPrefixes: readonly string[];
  readonly subject: string;
  readonly handler: string;
  readonly settled: { readonly seq: number; readonly do: Settlement["do"] }[] = [];
  isBound = true;
  private readonly open = new Set<Delivery>();
  private readonly request: BindRequest;

  constructor(idPrefix: string, request: BindRequest) {
    this.idPrefixes = [idPrefix];
    this.subject = request.metadata.subjects[0]!;
    this.handler = request.handler;
    this.request = request;
  }

  /** Messages that are in hand. */
  get inHand(): number {
    return this.open.size;
  }

  /** Messages arrive. Says of each whether it was taken. */
  arrive(...seqs: readonly number[]): boolean[] {
    return seqs.map((seq) => this.take(seq, this.subject, new Uint8Array(1)));
  }

  take(seq: number, subject: string, data: Uint8Array): boolean {
    if (!this.isBound) return false;
    const delivery: Delivery = { subject, data, headers: undefined, seq, attempt: 1, hops: 0 };
    this.open.add(delivery);
    const { owner, onOverflow, onFault } = this.request;
    try {
      const isTaken = owner.accept(delivery);
      if (!isTaken) onOverflow(delivery);
      return isTaken;
    } catch (cause) {
      this.open.delete(delivery);
      onFault(new RuntimeError("INTERNAL", String(cause), { cause }));
      return false;
    }
  }

  apply(delivery: Delivery, settlement: Settlement): string | undefined {
    if (!this.open.delete(delivery)) return undefined;
    this.settled.push({ seq: delivery.seq, do: settlement.do });
    return settlement.do === "done" || settlement.do === "ack" ? undefined : settlement.do;
  }

  chunk(): void {}
  roomChanged(): void {}

  async unbind(): Promise<void> {
    this.isBound = false;
  }
}

export class FakeBinder implements Binder {
  /** All that were made, in order. */
  readonly bindings: FakeBinding[] = [];
  /** How often a binding was worked out. */
  plans = 0;
  readonly ownStreams: readonly string[] = [];
  readonly takenStreams: readonly string[] = [];
  /** Rejects when a handler cannot be bound. */
  refuse: (handler: string, metadata: ResolvedMetadata) => Promise<void> = async () => {};
  natsIsBack: () => Promise<void> = async () => {};
  private published = 0;

  /** Those that take messages now. */
  get bound(): FakeBinding[] {
    return this.bindings.filter(({ isBound }) => isBound);
  }

  /** A message comes in: every handler whose subject matches gets it once. */
  publish(subject: string, data: Uint8Array): void {
    const seq = ++this.published;
    const wanted = this.bound.filter((binding) => matches(binding.subject, subject));
    const byHandler = new Map(wanted.map((binding) => [binding.handler, binding]));
    for (const binding of byHandler.values()) binding.take(seq, subject, data);
  }

  async plan(handler: string, metadata: ResolvedMetadata): Promise<PlannedBinding> {
    this.plans++;
    await this.refuse(handler, metadata);
    const idPrefix = `${metadata.subjects[0]}:`;
    return {
      idPrefixes: [idPrefix],
      groups: [handler],
      bind: async (request) => {
        const binding = new FakeBinding(idPrefix, request);
        this.bindings.push(binding);
        return binding;
      },
    };
  }

  async hold(): Promise<() => void> {
    return () => {};
  }

  removed(): void {}

  worthRetrying(): Promise<void> {
    return this.natsIsBack();
  }

  async settled(): Promise<void> {}
}
