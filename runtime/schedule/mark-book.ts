// What all replicas know of one handler's schedules: for each how far it has been seen to. There is more than one while a
// rolling update changes it: each build sees to its own, and removes none that it does not know. Pure.

/** A scheduled message in the stream that took it. */
export interface SentRun {
  readonly stream: string;
  readonly seq: number;
}

/** How far one schedule has been seen to. */
export interface Progress {
  /** The last planned time that has been seen to. */
  readonly doneMs: number;
  /** One of those up to `doneMs`: it has been decided on, and its message may not be out yet. */
  readonly sendingMs?: number | undefined;
  /** Of the last message; absent where no stream says that it has it. */
  readonly run?: SentRun | undefined;
}

export interface BookEntry extends Progress {
  /** Its fingerprint. */
  readonly schedule: string;
}

/** What was written last comes first. */
export type MarkBook = readonly BookEntry[];

/** More builds of one app do not run side by side. */
const MOST_ENTRIES = 8;

/** Empty where it cannot be read: then schedules begin anew. */
export function readBook(text: string): MarkBook {
  try {
    const { marks } = JSON.parse(text) as { marks?: unknown };
    return Array.isArray(marks) ? marks.filter(isEntry) : [];
  } catch {
    return []; // Nobody of ours has written it.
  }
}

export function bookText(book: MarkBook): string {
  return JSON.stringify({ marks: book });
}

export function withEntry(book: MarkBook, entry: BookEntry): MarkBook {
  return [entry, ...book.filter(({ schedule }) => schedule !== entry.schedule)].slice(0, MOST_ENTRIES);
}

function isEntry(raw: unknown): raw is BookEntry {
  const { schedule, doneMs } = (raw ?? {}) as Partial<BookEntry>;
  return typeof schedule === "string" && typeof doneMs === "number";
}
