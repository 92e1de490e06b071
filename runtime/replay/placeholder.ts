// A message that stays in the stream of redrives while a replay goes on. Without it a quick handler empties the stream after each
// copy, and nats-server has files then to remove and to make anew, for which newer messages wait.
//
// P1  It is addressed to nobody: no handler's name has a `$`.
// P2  It moves along: what was removed after a message that stays has to be told by the server, one by one.
// P3  What a replay that was killed has left goes with the next one. Of two at once the first to end takes the other's with it.
// P4  Who may not remove it does not put it there; that costs the newer messages time and nothing else. A removal whose answer
//     does not come says nothing of what is allowed.

import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { redriveStream } from "../dead-letters/redrive-watch.ts";
import { deniedSubject } from "../nats/jetstream-errors.ts";

/** P2. */
const COPIES = 1_000;

/** None of it rejects. */
export class Placeholder {
  private readonly jsm: JetStreamManager;
  private readonly js: JetStreamClient;
  private readonly stream: string;
  private readonly filter: string;
  private isRefused = false;
  /** Since it was put where it is. */
  private copies = 0;

  /** Of an app whose stream of redrives is there. */
  constructor(jsm: JetStreamManager, js: JetStreamClient, app: string) {
    this.jsm = jsm;
    this.js = js;
    this.stream = redriveStream(app);
    this.filter = `redrive.${app}.$replay`;
  }

  /** Before the first copy. */
  async put(): Promise<void> {
    await this.remove(); // P3, P4.
    if (!this.isRefused) await this.js.publish(this.filter).catch(() => undefined);
  }

  /** After each copy: P2. */
  async follow(): Promise<void> {
    if (this.isRefused || ++this.copies < COPIES) return;
    this.copies = 0;
    const stored = await this.js.publish(this.filter).catch(() => undefined);
    if (stored !== undefined) await this.remove(stored.seq);
  }

  /** Those before the message of that number, or all. */
  async remove(before?: number): Promise<void> {
    const { filter } = this;
    if (this.isRefused) return;
    try {
      await this.jsm.streams.purge(this.stream, before === undefined ? { filter } : { filter, seq: before });
    } catch (error) {
      this.isRefused = deniedSubject(error) !== undefined; // P4.
    }
  }
}
