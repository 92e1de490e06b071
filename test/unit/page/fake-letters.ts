// A box of dead letters in memory.

import type { DeadLetterBox, LetterDetails } from "../../../runtime/dead-letters/dead-letter-box.ts";

export function letter(id: number, more: Partial<LetterDetails> = {}): LetterDetails {
  return {
    id,
    handler: "a",
    version: "v1",
    reason: "threw",
    message: `no item ${id}`,
    stack: undefined,
    place: "a.ts:1:1",
    subject: "s.a",
    stream: "S",
    sequence: id,
    storedAtMs: id,
    attempts: 1,
    firstFailedAtMs: id,
    lastFailedAtMs: id,
    keptAtMs: id,
    instance: "i",
    redriven: 0,
    body: "here",
    headers: [["x-api-key", "hidden key"]],
    data: new TextEncoder().encode(JSON.stringify({ text: `payload of ${id}`, password: `geheim ${id}` })),
    gone: false,
    ...more,
  };
}

/** What `remove` is called with stands in `removed`. */
export function fakeBox(letters: readonly LetterDetails[], removed: number[] = []): DeadLetterBox {
  const newestFirst = [...letters].sort((a, b) => b.id - a.id);
  const box: Pick<DeadLetterBox, "list" | "show" | "remove"> = {
    list: async ({ limit = Number.POSITIVE_INFINITY } = {}) => newestFirst.slice(0, limit),
    show: async (id) => letters.find((one) => one.id === id),
    async remove(id) {
      removed.push(id);
      return true;
    },
  };
  return box as DeadLetterBox;
}
