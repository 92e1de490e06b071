// Reads server-sent events out of the text they come in, in whatever pieces. Pure.

export interface SentEvent {
  readonly event: string;
  readonly data: string;
}

export class EventReader {
  private rest = "";

  /** The events that this piece completes. */
  read(piece: string): SentEvent[] {
    const blocks = (this.rest + piece).split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.map(eventOf).filter(({ data }) => data !== "");
  }
}

function eventOf(block: string): SentEvent {
  const lines = block.split("\n");
  const valuesOf = (name: string) =>
    lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
  return { event: valuesOf("event")[0] ?? "message", data: valuesOf("data").join("\n") };
}
