// What has arrived and is not decided yet: looked up where need be, then run, buried or given back.
//
// I2  A redelivery is checked against what was given back before, so that only real attempts are charged, and what has failed
//     for good already is not run again. Where that cannot be read now, one that would be done with for its attempts comes
//     again: what it has failed with may stand there, and its letter is to say so.
// I3  A message that must not run any more (admission.ts) becomes a dead letter. One whose own subject is not the handler's
//     is not run, and not charged: it goes back, for a version that takes it; a redriven one is a dead letter again.
// I5  Each is decided, whatever its lookups come to: nothing is kept that nobody has.
// I7  Once the handler is unbound, what comes all the same goes back.
// I9  With `debounce` or `throttle` a message waits, or is let pass, as spacing.ts decides; one that is sent again does neither.
// I10 Of a message whose outputs are stored (stored-outputs.ts) the function has run to its end: it is let pass. Where that cannot be asked
//     now it is run, and what it publishes is not stored again.

import { within } from "../clock.ts";
import type { BindingOwner } from "../message/binding.ts";
import { claimOn, quotedClaims } from "../metadata/claims.ts";
import type { ResolvedMetadata } from "../metadata/handler-metadata.ts";
import { mayBeAnsweredLater } from "../nats/jetstream-errors.ts";
import { UnawaitedWork } from "../nats/unawaited-work.ts";
import { admissionVerdict } from "./admission.ts";
import { attemptOf } from "./attempt-count.ts";
import { SpacingGate } from "./spacing.ts";
import { type Spaced, SUPERSEDED_TEXT } from "./spacing-rules.ts";
import { OUTPUTS_STORED } from "./stored-outputs.ts";
import type { StreamDelivery } from "./stream-delivery.ts";
import type { StreamDeps } from "./stream-deps.ts";
import type { StreamSettler } from "./stream-settler.ts";
import type { GivenBack } from "./uncharged-deliveries.ts";

export interface AdmissionsOptions {
  readonly deps: StreamDeps;
  readonly handler: string;
  /** As it is now: a reload changes it. */
  readonly metadata: () => ResolvedMetadata;
  readonly owner: BindingOwner;
  readonly settler: StreamSettler;
  /** There may be room for more, as one was let pass. */
  readonly onRoom: () => void;
  readonly onFault: (error: unknown) => void;
}

const LOOKUP_MS = 2_000;
const STRAY_RETRY_MS = 30_000;
const REFUSED_RETRY_MS = 1_000;
/** Until what could not be read now is asked for again. */
const UNREADABLE_RETRY_MS = 5_000;
const NOTHING_BEFORE: GivenBack = { uncharged: 0, failure: undefined, lastBegan: false };
/** What it says may not be read: all that has come was run. */
const NOTHING_KNOWN: GivenBack = { uncharged: 0, failure: undefined, lastBegan: true };
/** Nobody is told of fewer. */
const MANY_UNHEARD = 20;
const NO_ANSWER = "no answer";
const RUN: Spaced = { do: "run", putOff: 0 };

export class Admissions {
  private readonly options: AdmissionsOptions;
  private readonly underWay = new UnawaitedWork();
  private readonly spacing: SpacingGate;
  private isClosed = false;
  /** I9: neither run nor settled yet, and in the place of one that runs. */
  asking = 0;

  constructor(options: AdmissionsOptions) {
    this.options = options;
    const { deps, handler, owner, settler } = options;
    const onSuperseded = (reply: string) => {
      settler.acknowledgeAgain(reply);
      owner.letPass(SUPERSEDED_TEXT);
    };
    this.spacing = new SpacingGate({ ...deps, handler, onSuperseded });
  }

  /** Most messages are decided within the call. */
  decide(delivery: StreamDelivery): void {
    const { debounce, throttle, outputs } = this.options.metadata();
    const isPlain = debounce === undefined && throttle === undefined && (outputs !== "atomic" || !delivery.again);
    if (isPlain && delivery.info.deliveries === 1 && delivery.fetch === undefined) this.admit(delivery);
    else this.underWay.add(this.decideLater(delivery));
  }

  /** As one that has just arrived, and of which all is known. */
  decideAgain(delivery: StreamDelivery): void {
    try {
      this.admit(delivery);
    } catch (error) {
      this.options.onFault(error);
      this.options.settler.giveBack(delivery, UNREADABLE_RETRY_MS);
    }
  }

  /** Resolves when all that has arrived is decided: soon, as no lookup is waited for long. */
  decided(): Promise<void> {
    return this.underWay.settled();
  }

  /** I7. */
  close(): void {
    this.isClosed = true;
  }

  /** I3. How often it has come is known by now: each time counts as uncharged. */
  private turnAway(delivery: StreamDelivery): void {
    const { deps, handler, settler } = this.options;
    const { subjects } = this.options.metadata();
    const what = `"${delivery.subject}" is not a subject of handler "${handler}", which takes ${quotedClaims(subjects)}`;
    if (delivery.history !== undefined) return settler.bury(delivery, { reason: "unclaimed", text: what });
    const { stream, consumer } = delivery.info;
    const message = `a message came from durable "${consumer}" of stream "${stream}" and goes back unrun: ${what}. Something else has set the durable to another subject: set it back, or remove it (\`nats consumer rm ${stream} ${consumer}\`), and it is made anew`;
    deps.notices.tell(`stray ${consumer}`, "warn", message);
    settler.giveBack(delivery, STRAY_RETRY_MS);
  }

  /** I5. */
  private async decideLater(delivery: StreamDelivery): Promise<void> {
    const { settler, onFault, metadata } = this.options;
    try {
      const known = await this.givenBackBefore(delivery);
      const { uncharged, failure, lastBegan } = known === NO_ANSWER ? NOTHING_KNOWN : known;
      const { attempts } = metadata().retry;
      const { deliveries } = delivery.info;
      const before = attemptOf({ deliveries, uncharged, lastBegan }, attempts);
      delivery.attempt = before.attempt;
      const isStray = this.isStray(delivery);
      const isUsedUp = before.attempt > attempts || before.unheard > 0;
      if (known === NO_ANSWER && (isUsedUp || isStray)) return settler.comeAgain(delivery, UNREADABLE_RETRY_MS);
      if (failure !== undefined) return settler.buryAsKnown(delivery, failure);
      if (isStray) return this.turnAway(delivery);
      if (await this.hasOutputs(delivery)) return this.keepBack(delivery, { do: "let-pass", why: OUTPUTS_STORED });
      const spaced = await this.space(delivery, uncharged);
      if (spaced.do !== "run") return this.keepBack(delivery, spaced);
      const counted = { deliveries, uncharged: Math.max(uncharged, spaced.putOff), lastBegan };
      const { attempt, unheard } = attemptOf(counted, attempts);
      delivery.attempt = attempt;
      if (attempt === attempts && deliveries > 1) await this.beginLast(delivery, unheard);
      const missing = await this.fetch(delivery);
      if (missing !== undefined) settler.bury(delivery, { reason: "expired", text: missing });
      else this.admit(delivery);
    } catch (error) {
      onFault(error);
      settler.giveBack(delivery, UNREADABLE_RETRY_MS);
    }
  }

  /** I10. Never rejects. */
  private async hasOutputs(delivery: StreamDelivery): Promise<boolean> {
    const { deps, handler, metadata } = this.options;
    if (metadata().outputs !== "atomic" || !delivery.again) return false;
    const found = await within(
      deps.clock,
      LOOKUP_MS,
      deps.outputs.has(handler, delivery).catch(() => "unknown"),
    );
    return found === true;
  }

  /** I9. */
  private async space(delivery: StreamDelivery, uncharged: number): Promise<Spaced> {
    const metadata = this.options.metadata();
    const { debounce, throttle } = metadata;
    if ((debounce === undefined && throttle === undefined) || delivery.history !== undefined) return RUN;
    this.asking++;
    try {
      return await this.spacing.ask(delivery, metadata, uncharged);
    } finally {
      this.asking--;
    }
  }

  /** I9. That it is put off is no attempt: the mark counts how often it was. */
  private keepBack(delivery: StreamDelivery, spaced: Exclude<Spaced, { do: "run" }>): void {
    const { settler, owner, onRoom } = this.options;
    if (spaced.do === "put-off") return settler.comeAgain(delivery, spaced.delayMs);
    owner.letPass(spaced.why, delivery);
    onRoom();
  }

  /**
   * I2. The last attempt is written down before it is run: should its host die now, it has been. Where that cannot be, and it
   * has come more often already, that is what it is taken for.
   */
  private async beginLast(delivery: StreamDelivery, unheard: number): Promise<void> {
    const { deps, handler, settler } = this.options;
    if (unheard > MANY_UNHEARD) {
      const message = `the server has handed out messages of handler "${handler}" to nobody, one of them ${unheard} times (it does so where a leaf node's link is cut): they are run once more, as their last attempt`;
      deps.notices.tell(`unheard ${handler}`, "warn", message);
    }
    const isWritten = await settler.writeDownLast(delivery);
    if (!isWritten && unheard > 0) delivery.attempt += unheard;
  }

  /** I2. Never rejects. */
  private async givenBackBefore(delivery: StreamDelivery): Promise<GivenBack | typeof NO_ANSWER> {
    if (delivery.info.deliveries === 1) return NOTHING_BEFORE;
    const { deps, handler, settler } = this.options;
    const lookup = deps.givenBack.read(settler.messageOf(delivery)).catch((error: unknown) => {
      const message = `handler "${handler}": what was given back cannot be read, so it is charged as an attempt: ${String(error)}`;
      deps.notices.tell(`uncharged ${handler}`, "warn", message);
      return mayBeAnsweredLater(error) ? NO_ANSWER : NOTHING_KNOWN;
    });
    const found = await within(deps.clock, LOOKUP_MS, lookup);
    return found === "expired" ? NO_ANSWER : found;
  }

  /** Returns why the message cannot be run, when its payload is gone. */
  private async fetch(delivery: StreamDelivery): Promise<string | undefined> {
    if (delivery.fetch === undefined) return undefined;
    const content = await within(this.options.deps.clock, LOOKUP_MS, delivery.fetch());
    if (content === "expired") throw new Error(`its payload could not be read within ${LOOKUP_MS} ms`);
    if ("missing" in content) return content.missing;
    delivery.data = content.data;
    delivery.headers = content.headers;
    return undefined;
  }

  private isStray({ subject }: StreamDelivery): boolean {
    return claimOn(this.options.metadata().subjects, subject) === undefined;
  }

  /** I3. */
  private admit(delivery: StreamDelivery): void {
    const { deps, handler, owner, settler } = this.options;
    if (this.isStray(delivery)) return this.turnAway(delivery);
    const metadata = this.options.metadata();
    const ageMs = metadata.expiresMs > 0 ? deps.serverClock.ageMs(delivery.info.storedAtMs) : 0;
    const verdict = admissionVerdict({ attempt: delivery.attempt, ageMs }, metadata);
    if (verdict.do === "dead-letter") {
      const message = `a message of handler "${handler}" ("${delivery.subject}") will become a dead letter unrun: ${verdict.text}`;
      deps.notices.tell(`unrun ${verdict.reason} ${handler}`, "warn", message);
      return settler.bury(delivery, verdict);
    }
    if (this.isClosed || !owner.accept(delivery)) settler.giveBack(delivery, REFUSED_RETRY_MS);
  }
}
