// What is done to many letters, one after the other: it has a number, a frozen list, progress and an end, can be stopped,
// and goes on when the tab that began it is closed.

import { redrive } from "../dead-letters/redrive.ts";
import type { OperationView } from "./answers.ts";
import type { Desk } from "./desk.ts";

export interface Begun {
  readonly verb: OperationView["verb"];
  /** Of what, in words. */
  readonly what: string;
  readonly ids: readonly number[];
  /** Letters a second; undefined: as fast as it goes. */
  readonly rate?: number | undefined;
}

interface Operation {
  view: OperationView;
  readonly stopping: AbortController;
}

/** So many that have ended are still shown. */
const KEPT = 5;
const AT_ONCE = 16;

export class Operations {
  private readonly desk: Desk;
  private readonly onChange: () => void;
  private readonly operations = new Map<number, Operation>();
  private last = 0;

  constructor(desk: Desk, onChange: () => void) {
    this.desk = desk;
    this.onChange = onChange;
  }

  /** Oldest first. */
  get views(): readonly OperationView[] {
    return [...this.operations.values()].map(({ view }) => view);
  }

  /** Returns at once; how it goes `views` say. */
  begin({ verb, what, ids, rate }: Begun): OperationView {
    const id = ++this.last;
    const view: OperationView = { id, verb, what, total: ids.length, done: 0, rate, state: "running" };
    const operation: Operation = { view, stopping: new AbortController() };
    this.operations.set(id, operation);
    this.forgetEnded();
    this.onChange();
    void this.run(operation, verb, ids);
    return view;
  }

  /** False when nothing of that number runs. What is under way is finished. */
  stop(id: number): boolean {
    const operation = this.operations.get(id);
    if (operation?.view.state !== "running") return false;
    operation.stopping.abort();
    return true;
  }

  private async run(operation: Operation, verb: OperationView["verb"], ids: readonly number[]): Promise<void> {
    const onProgress = (done: number) => this.change(operation, { done });
    const { signal } = operation.stopping;
    try {
      if (verb === "redrive") await this.redrive(ids, operation.view.rate, onProgress, signal);
      else await this.drop(ids, onProgress, signal);
      this.change(operation, { state: signal.aborted ? "stopped" : "done" });
    } catch (error) {
      this.change(operation, { state: "failed", problem: error instanceof Error ? error.message : String(error) });
    }
    const { what, done, total, state, problem } = operation.view;
    this.desk.tell(`${verb} ${what}: ${state}, ${done} of ${total}${problem === undefined ? "" : `: ${problem}`}`);
  }

  private async redrive(
    ids: readonly number[],
    rate: number | undefined,
    onProgress: (done: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { connection, app, letters: box, clock, copies } = this.desk;
    await redrive(ids, { connection, app, box, clock, copies, rate, onProgress, signal });
  }

  private async drop(ids: readonly number[], onProgress: (done: number) => void, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < ids.length && !signal.aborted; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      await Promise.all(some.map((id) => this.desk.letters.remove(id)));
      onProgress(at + some.length);
    }
  }

  private change(operation: Operation, to: Partial<OperationView>): void {
    operation.view = { ...operation.view, ...to };
    this.onChange();
  }

  private forgetEnded(): void {
    const ended = [...this.operations].filter(([, { view }]) => view.state !== "running");
    for (const [id] of ended.slice(0, Math.max(0, ended.length - KEPT))) this.operations.delete(id);
  }
}
