// A worker that floods NATS or the log beside others, where there is no core to spare, takes turns: it is read from until
// it has sent its share, and then for a moment not at all. What the supervisor and the server are spared by that is what
// its neighbours need. Alone, or where there are cores for all, it is held up by nobody.

import type { Clock } from "../clock.ts";
import type { CpuShortage } from "./cpu-shortage.ts";
import type { SocketReader } from "./socket-reader.ts";

/** A share: half a millisecond's work for supervisor and server. */
const TURN_BYTES = 64 * 1024;
/** What a message costs beside its bytes, as bytes. */
const MESSAGE_BYTES = 1024;
/** A line of the log is read, looked through for secrets and written again. */
const LINE_BYTES = 4 * 1024;
/** Who takes longer than this for its share is not in the way. */
const TURN_MS = 10;
const PAUSE_MS = 3;

export class FloodTurns {
  private readonly reader: Pick<SocketReader, "hold" | "release">;
  private readonly cpuShortage: Pick<CpuShortage, "isCrowded">;
  private readonly clock: Clock;
  private bytes = 0;
  private sinceMs = 0;
  private pauses = false;

  constructor(
    reader: Pick<SocketReader, "hold" | "release">,
    cpuShortage: Pick<CpuShortage, "isCrowded">,
    clock: Clock,
  ) {
    this.reader = reader;
    this.cpuShortage = cpuShortage;
    this.clock = clock;
  }

  /** The worker has published a message of so many bytes. */
  published(bytes: number): void {
    this.sent(bytes + MESSAGE_BYTES);
  }

  /** It has written a line of so many bytes to the log. */
  logged(bytes: number): void {
    this.sent(bytes + LINE_BYTES);
  }

  private sent(cost: number): void {
    if (this.bytes === 0) this.sinceMs = this.clock.monotonicMs();
    this.bytes += cost;
    if (this.bytes < TURN_BYTES) return;
    this.bytes = 0;
    const isFlood = this.clock.monotonicMs() - this.sinceMs < TURN_MS;
    if (isFlood && !this.pauses && this.cpuShortage.isCrowded) this.pause();
  }

  private pause(): void {
    this.pauses = true;
    this.reader.hold();
    this.clock.after(PAUSE_MS, () => {
      this.pauses = false;
      this.reader.release();
    });
  }
}
