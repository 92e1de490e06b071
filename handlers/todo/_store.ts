// The to-do items, in an SQLite database that the handlers' processes share.

import { existsSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Item {
  readonly id: string;
  readonly item: string;
  readonly savedAtMs: number;
  /** When `todo/mutate` last tidied the text; null: not yet. */
  readonly mutatedAtMs: number | null;
}

const SCHEMA = `
  create table if not exists items (
    id text primary key,
    item text not null,
    savedAtMs integer not null,
    mutatedAtMs integer
  ) strict;
  create index if not exists items_by_time on items (savedAtMs desc);
`;

export class TodoStore {
  readonly #database: DatabaseSync;

  /** Workers run in the project's root, and `.handlers/` is where the project keeps what is not to be committed. */
  constructor(path = resolve(".handlers/todo.sqlite")) {
    if (!existsSync(path)) makeDatabase(path);
    // One process writes at a time; the others wait for it, at most this long.
    this.#database = new DatabaseSync(path, { timeout: 5_000 });
    this.#database.exec("pragma synchronous = normal;");
  }

  /** Saving the same item again changes nothing: a message may come more than once. */
  save({ id, item }: Pick<Item, "id" | "item">): void {
    this.#database
      .prepare("insert into items (id, item, savedAtMs) values (?, ?, ?) on conflict (id) do nothing")
      .run(id, item, Date.now());
  }

  /** Replace the text of an item. Resolves to undefined when there is none. */
  mutate(id: string, change: (item: string) => string): Item | undefined {
    const found = this.find(id);
    if (found === undefined) return undefined;
    const mutated = { ...found, item: change(found.item), mutatedAtMs: Date.now() };
    this.#database
      .prepare("update items set item = ?, mutatedAtMs = ? where id = ?")
      .run(mutated.item, mutated.mutatedAtMs, id);
    return mutated;
  }

  find(id: string): Item | undefined {
    return this.#database.prepare("select * from items where id = ?").get(id) as Item | undefined;
  }

  /** Newest first. */
  list(limit: number): Item[] {
    const rows = this.#database.prepare("select * from items order by savedAtMs desc, rowid desc limit ?").all(limit);
    return rows as unknown as Item[];
  }

  close(): void {
    this.#database.close();
  }
}

/**
 * Made beside its place, then put there as a whole: handlers come up at the same time, and SQLite does not let one process
 * choose the journal while another does.
 */
function makeDatabase(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  const database = new DatabaseSync(draft);
  database.exec(`pragma journal_mode = wal; ${SCHEMA}`);
  database.close();
  try {
    linkSync(draft, path);
  } catch (error) {
    // Another process was first.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
}
