// How a path is at this moment, in one short text: two that are equal mean that nothing has changed there.

import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readlinkSync } from "node:fs";

export class PathMarks {
  private readonly known = new Map<string, Mark>();

  /** Each path is looked at once, so that all answers are of one moment. */
  of(path: string): string {
    return this.at(path).text;
  }

  /** When it was last changed, by the clock of its disk; of what is not there, long ago. */
  changedAtMs(path: string): number {
    return this.at(path).changedAtMs;
  }

  private at(path: string): Mark {
    const known = this.known.get(path);
    if (known !== undefined) return known;
    const mark = markOf(path);
    this.known.set(path, mark);
    return mark;
  }
}

interface Mark {
  readonly text: string;
  readonly changedAtMs: number;
}

/** By content, not by time: a checkout or a container's layers change times, and a quick save may not. */
function markOf(path: string): Mark {
  try {
    const stat = lstatSync(path);
    if (stat.isDirectory()) return { text: "folder", changedAtMs: 0 };
    const changedAtMs = Math.max(stat.mtimeMs, stat.ctimeMs);
    const content = hashOfContent(path);
    // What it leads to may be a folder: then where it leads is what counts.
    const text = stat.isSymbolicLink() ? `${readlinkSync(path)} ${content}` : content;
    return { text, changedAtMs };
  } catch {
    return { text: "absent", changedAtMs: 0 };
  }
}

function hashOfContent(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("base64url").slice(0, 22);
  } catch {
    return "unreadable";
  }
}
