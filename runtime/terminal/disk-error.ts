// What the disk refuses, in one line: a full disk or one that may only be read is no fault of ours, and needs no stack.

import { RuntimeError } from "../errors.ts";

const WHY: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ["there is no space left on the disk", "Free some."],
  EDQUOT: ["this user's share of the disk is used up", "Free some, or have the share raised."],
  EROFS: ["the disk may only be read", "Have it mounted so that the runtime may write there."],
  EACCES: [
    "this user may not write there",
    "Give the folder to the user who runs this, or run it as the one who has it.",
  ],
  EPERM: [
    "this user may not write there",
    "Give the folder to the user who runs this, or run it as the one who has it.",
  ],
  ENOTDIR: ["a file is where a folder should be", "Remove or rename the file."],
  EMFILE: ["too many files are open", "Raise the limit of this process (`ulimit -n`)."],
  ENFILE: ["too many files are open on this machine", "Raise the limit of the system."],
};
const ELSEWHERE =
  " A project that cannot be written to is served too: `.handlers` then lies in the folder for temporary files (TMPDIR).";

/** Node names no file where one was open already. */
const NAMELESS: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);
const NO_MORE_WATCHES =
  "Raise the limit (`sysctl fs.inotify.max_user_watches`), or end other programs that watch files.";

/** The error itself, unless it is one of the disk. Pure. */
export function explainDisk(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RuntimeError) return error;
  const { code = "", path = "", syscall = "" } = error as NodeJS.ErrnoException;
  const known = WHY[code];
  if (known === undefined || (path === "" && !NAMELESS.has(code))) return error;
  if (syscall === "watch") {
    const message = `${path} cannot be watched: this user watches as many files as the system allows (${code})`;
    return new RuntimeError("DISK_REFUSED", message, { remedy: NO_MORE_WATCHES, cause: error });
  }
  const [why, how] = known;
  const elsewhere = path.includes(".handlers") ? ELSEWHERE : "";
  return new RuntimeError("DISK_REFUSED", `${path || "a file"} cannot be written: ${why} (${code}, ${syscall})`, {
    remedy: how + elsewhere,
    cause: error,
  });
}
