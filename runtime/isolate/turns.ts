// A worker that floods NATS beside others, where there is no core to spare, takes turns: it is read from until it has
// published its share, and then for a moment not at all. What the supervisor and the server are spared by that is what
// its neighbours need. Alone, or where there are cores for all, it is held up by nobody.

import type { Clock } from "../clock.ts";
import type { Crowding } from "./crowding.ts";
import type { Intake } from "./intake.ts";

/** A share: half a millisecond's work for supervisor and server. */
const TURN_BYTES = 64 * 1024;
/** What a message costs beside its bytes, as bytes. */
const MESSAGE_BYTES = 1024;
/** Who takes longer than this for its share is not in the way. */
const TURN_MS = 10;
const PAUSE_MS = 3;

export class Turns {
  private readonly intake: Pick<Intake, "hold" | "release">;
  private readonly crowding: Pick<Crowding, "isCrowded">;
  private readonly clock: Clock;
  private bytes = 0;
  private sinceMs = 0;
  private pauses = false;

  constructor(intake: Pick<Intake, "hold" | "release">, crowding: Pick<Crowding, "isCrowded">, clock: Clock) {
    this.intake = intake;
    this.crowding = crowding;
    this.clock = clock;
  }

  /** The worker has published a message of so many bytes. */
  published(bytes: number): void {
    if (this.bytes === 0) this.sinceMs = this.clock.monotonicMs();
    this.bytes += bytes + MESSAGE_BYTES;
    if (this.bytes < TURN_BYTES) return;
    this.bytes = 0;
    const isFlood = this.clock.monotonicMs() - this.sinceMs < TURN_MS;
    if (isFlood && !this.pauses && this.crowding.isCrowded) this.pause();
  }

  private pause(): void {
    this.pauses = true;
    this.intake.hold();
    this.clock.after(PAUSE_MS, () => {
      this.pauses = false;
      this.intake.release();
    });
  }
}
