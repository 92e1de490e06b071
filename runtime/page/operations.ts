// What is done to many letters: it has an id, a fixed list, progress and an end, and can be stopped.
//
// P1  What takes more than a moment is carried out by a process of its own, which tells how far it is by NATS: it goes on when the
//     tab is closed, and when `handlers ui` ends or is killed. Every page of the app shows it, and stops it.
// P2  One of which nothing is heard any more has ended with its process. What it had not come to is still a dead letter.

import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Timer } from "../clock.ts";
import { controlSubject } from "../control/control-protocol.ts";
import { type StandingSubscription, StandingSubscriptions } from "../nats/standing-subscriptions.ts";
import type { OperationView } from "./answers.ts";
import { begun, carryOut, messageOf } from "./carry-out.ts";
import type { Desk } from "./desk.ts";
import type { Order } from "./order.ts";

interface Operation {
  readonly view: OperationView;
  /** Absent: a process of its own carries it out. */
  readonly stopping?: AbortController;
  readonly heardAtMs: number;
}

/** So many that have ended are still shown. */
const KEPT = 5;
const MOST_RUNNING = 20;
/** They are over before another process would have begun. */
const SOON_OVER = 50;
const LOOK_MS = 2_000;
/** Many times as long as one tells nothing. */
const LOST_MS = 10_000;

/** As it is told. */
const told = z.object({
  id: z.string().min(1).max(50),
  verb: z.enum(["redrive", "drop"]),
  what: z.string().max(2_000),
  total: z.int().nonnegative(),
  done: z.int().nonnegative(),
  rate: z.number().positive().optional(),
  state: z.enum(["running", "done", "stopped", "failed"]),
  problem: z.string().max(10_000).optional(),
});

export class Operations {
  private readonly desk: Desk;
  private readonly onChange: () => void;
  private readonly operations = new Map<string, Operation>();
  /** Told to stop from here: a process that has not begun yet hears of it when it tells that it has. */
  private readonly stopped = new Set<string>();
  private hearing: StandingSubscription | undefined;
  /** Whether what others carry out is heard. */
  private hears = false;
  private looks: Timer | undefined;

  constructor(desk: Desk, onChange: () => void) {
    this.desk = desk;
    this.onChange = onChange;
  }

  /** Hear of those that processes of their own carry out. Without, all are carried out here. */
  listen(): void {
    const { connection, clock, app, tell } = this.desk;
    this.hears = true;
    this.hearing = new StandingSubscriptions(connection, clock).subscribe(controlSubject(app, "operation"), {
      onMessage: (message) => this.heard(message.string()),
      onRefused: ({ message }) => {
        this.hears = false;
        tell(`what is done to many letters ends with this page: ${message}. Print \`handlers permissions\` anew`);
      },
      onGranted: () => {
        this.hears = true;
      },
    });
    this.looks = clock.every(LOOK_MS, () => this.lookForLost());
  }

  close(): void {
    this.looks?.cancel();
    void this.hearing?.close();
  }

  /** Oldest first. */
  get views(): readonly OperationView[] {
    return [...this.operations.values()].map(({ view }) => view);
  }

  /** Returns at once; how it goes `views` say. */
  begin(what: Omit<Order, "id">): OperationView {
    const order: Order = { id: randomUUID().slice(0, 8), ...what };
    const { apart } = this.desk;
    if (apart !== undefined && this.hears && !isSoonOver(order)) {
      this.note(begun(order));
      apart(order).catch((error: unknown) => this.failed(order.id, messageOf(error)));
    } else {
      const stopping = new AbortController();
      this.note(begun(order), stopping);
      const onProgress = (view: OperationView) => this.note(view, stopping);
      void carryOut(order, this.desk, stopping.signal, onProgress).then(onProgress);
    }
    return begun(order);
  }

  /** False when nothing of that id runs. What is under way is finished. */
  stop(id: string): boolean {
    const operation = this.operations.get(id);
    if (operation?.view.state !== "running") return false;
    if (operation.stopping !== undefined) operation.stopping.abort();
    else {
      this.stopped.add(id);
      this.tellStop(id);
    }
    return true;
  }

  private tellStop(id: string): void {
    const { connection, app } = this.desk;
    connection.publish(controlSubject(app, "stop-operation"), id);
  }

  /** Whoever may control the app may say anything. */
  private heard(text: string): void {
    const view = told.safeParse(jsonIn(text)).data;
    if (view === undefined) return;
    const known = this.operations.get(view.id);
    if (known === undefined && this.running().length >= MOST_RUNNING) return;
    if (known?.stopping !== undefined) return;
    if (view.state !== "running") this.stopped.delete(view.id);
    else if (this.stopped.has(view.id)) this.tellStop(view.id);
    this.note(view);
  }

  private note(view: OperationView, stopping?: AbortController): void {
    const before = this.operations.get(view.id)?.view.state;
    const heardAtMs = this.desk.clock.monotonicMs();
    this.operations.set(view.id, { view, heardAtMs, ...(stopping === undefined ? {} : { stopping }) });
    const { verb, what, done, total, state, problem } = view;
    if (state !== "running" && before === "running")
      this.desk.tell(`${verb} ${what}: ${state}, ${done} of ${total}${problem === undefined ? "" : `: ${problem}`}`);
    this.forgetEnded();
    this.onChange();
  }

  private failed(id: string, problem: string): void {
    const view = this.operations.get(id)?.view;
    if (view?.state === "running") this.note({ ...view, state: "failed", problem });
  }

  /** P2. */
  private lookForLost(): void {
    const beforeMs = this.desk.clock.monotonicMs() - LOST_MS;
    for (const { view, stopping, heardAtMs } of this.running())
      if (stopping === undefined && heardAtMs < beforeMs)
        this.failed(view.id, "its process has ended. What it had not come to is still here: begin again");
  }

  private running(): Operation[] {
    return [...this.operations.values()].filter(({ view }) => view.state === "running");
  }

  private forgetEnded(): void {
    const ended = [...this.operations].filter(([, { view }]) => view.state !== "running");
    for (const [id] of ended.slice(0, Math.max(0, ended.length - KEPT))) this.operations.delete(id);
  }
}

function isSoonOver({ ids, rate = SOON_OVER }: Order): boolean {
  return ids.length <= Math.min(rate, SOON_OVER);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not of ours.
  }
}
