// Cuts what a process prints into lines. Lines too long are cut, and what is not wanted is passed over at the price of a
// look at each byte: 64 KB can be 32,768 lines.

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const MAX_LINE_BYTES = 8_192;
/** Of what was passed over, this much is kept: the last of it may say what the process died of. */
const TAIL_BYTES = 4_096;

export class LineCutter {
  /** The line that has begun, as far as it is kept. */
  private begun: Buffer = Buffer.alloc(0);
  private isTooLong = false;
  private tail: Buffer | undefined;

  /** Hand out the lines that are whole now, `most` of them, empty ones left out. Returns how many more there were. */
  cut(chunk: Buffer, most: number, onLine: (line: string) => void): number {
    let at = 0;
    for (let left = most; left > 0; ) {
      const end = chunk.indexOf(NEWLINE, at);
      if (end === -1) {
        this.begin(chunk.subarray(at));
        return 0;
      }
      const line = this.finish(chunk.subarray(at, end));
      at = end + 1;
      if (line === "") continue;
      this.tail = undefined;
      left--;
      onLine(line);
    }
    return this.passOver(chunk, at);
  }

  /** The line that never ended; empty when there is none. */
  end(): string {
    return this.finish(Buffer.alloc(0));
  }

  /** The lines at the end of what was passed over, unless others have been handed out since. */
  lastPassedOver(): string[] {
    if (this.tail === undefined) return [];
    return this.tail
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "");
  }

  private passOver(chunk: Buffer, from: number): number {
    let count = 0;
    let last = from - 1;
    for (let at = from; at < chunk.length; at++) {
      if (chunk[at] !== NEWLINE) continue;
      count++;
      last = at;
    }
    if (count > 0) {
      this.finish(Buffer.alloc(0)); // It was the first of those passed over.
      this.tail = Buffer.from(chunk.subarray(Math.max(from, last - TAIL_BYTES), last));
    }
    this.begin(chunk.subarray(last + 1));
    return count;
  }

  private begin(bytes: Buffer): void {
    const room = MAX_LINE_BYTES - this.begun.length;
    if (bytes.length > room) this.isTooLong = true;
    if (bytes.length > 0 && room > 0) this.begun = Buffer.concat([this.begun, bytes.subarray(0, room)]);
  }

  private finish(rest: Buffer): string {
    const isWhole = this.begun.length === 0 && rest.length <= MAX_LINE_BYTES;
    if (!isWhole) this.begin(rest);
    const bytes = isWhole ? rest : this.begun;
    const line = this.isTooLong ? `${bytes.toString("utf8", 0, wholeCharacters(bytes))}...` : withoutReturn(bytes);
    this.begun = Buffer.alloc(0);
    this.isTooLong = false;
    return line;
  }
}

function withoutReturn(bytes: Buffer): string {
  return bytes.toString("utf8", 0, bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length);
}

/** Where the last character begins that the cut may have gone through (UTF-8: what goes on is `10xxxxxx`). */
function wholeCharacters(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1]! & 0xc0) === 0x80) end--;
  const isPlain = end === bytes.length && (bytes[end - 1] ?? 0) < 0x80;
  return isPlain ? end : end - 1;
}
