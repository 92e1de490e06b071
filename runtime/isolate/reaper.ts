// Ends what the supervisor started when the supervisor itself can no longer do it: also after `kill -9`.
//
// R1  One `sh` in a session of its own holds a list of process ids. It learns them over a pipe whose only writer is the
//     supervisor, so the kernel tells it of the supervisor's end, however that comes about.
// R2  When the pipe closes: "kill" processes get KILL at once; "term" processes get TERM, and KILL after two seconds.
//     Where the process leads a group, the whole group gets the signal, so what it started goes too.
// R3  Ctrl-C, TERM and HUP do not reach the reaper, or it would end the workers before the runtime has drained them.
//
// A process id can be used again by a stranger. What bounds that: a child's id stays taken (a zombie) until the
// supervisor has collected it, and `untrack` is written in the same turn of the event loop, from its "exit" event. After
// the supervisor's end, KILL follows within milliseconds; a "term" process found gone is struck off at each look, ten
// times a second, so a stranger would have to get one particular id of at least 32,768, given out in turn, in 0.1 s.
// A process started in the very instruction before the supervisor is killed may be missed; workers also end by
// themselves when their socket closes.

import { type ChildProcess, spawn } from "node:child_process";
import type { Emit } from "../events.ts";

export type HowToEnd = "term" | "kill";

export interface Reaper {
  /** Of its shell; undefined without one. */
  readonly pid: number | undefined;
  /**
   * End this process when the supervisor is gone. Call it in the turn in which the process was started. The id of one that
   * could not be started, -1, is left alone: to `kill` it means everybody.
   */
  track(pid: number, how: HowToEnd): void;
  /** Forget the process: call it from its "exit" event. Safe for ids that are not tracked. */
  untrack(pid: number): void;
  /** End what is still tracked, then the reaper itself. Does not wait. Calling twice is safe. */
  close(): void;
}

export interface ReaperOptions {
  readonly emit: Emit;
  readonly shell?: string;
}

// POSIX sh. One variable for each process, P12=K, so that adding and striking off take neither a process nor a search.
const SCRIPT = `
trap '' INT TERM HUP QUIT
end() { kill -s "$1" -- "-$2"; kill -s "$1" "$2"; }
while read -r how pid; do
  case $how in
    +K) eval "P$pid=K" ;;
    +T) eval "P$pid=T" ;;
    -) unset "P$pid" ;;
  esac
done
left=
for item in $(set); do
  pid=\${item#P}
  pid=\${pid%%=*}
  case $item in
    P[0-9]*=K | P[0-9]*=\\'K\\') end KILL "$pid" ;;
    P[0-9]*=T | P[0-9]*=\\'T\\') end TERM "$pid"; left="$left $pid" ;;
  esac
done
looks=0
while [ -n "$left" ] && [ $looks -lt 20 ]; do
  looks=$((looks + 1))
  sleep 0.1 || sleep 1
  still=
  for pid in $left; do kill -0 "$pid" && still="$still $pid"; done
  left=$still
done
for pid in $left; do end KILL "$pid"; done
`;

/** Start the reaper. Without a usable `sh` it reports one notice, and tracking does nothing. */
export function startReaper({ emit, shell = "sh" }: ReaperOptions): Reaper {
  let state: "watching" | "without" | "closed" = "watching";
  const child = spawnShell(shell, goWithout);

  function goWithout(why: string): void {
    if (state !== "watching") return;
    state = "without";
    emit({
      type: "runtime.notice",
      level: "warn",
      message: `the reaper is not running (${why}): should this process be killed with -9, end its workers and its nats-server by hand`,
    });
  }

  // A write to a pipe with room in it reaches the kernel before `write` returns, so it outlives a kill -9 right after.
  function tell(what: "+K" | "+T" | "-", pid: number): void {
    if (state === "watching" && pid > 0) child?.stdin?.write(`${what} ${pid}\n`);
  }

  return {
    pid: child?.pid,
    track: (pid, how) => tell(how === "kill" ? "+K" : "+T", pid),
    untrack: (pid) => tell("-", pid),
    close() {
      if (state === "closed") return;
      state = "closed";
      child?.stdin?.end();
    },
  };
}

function spawnShell(shell: string, failed: (why: string) => void): ChildProcess | undefined {
  try {
    const child = spawn(shell, ["-c", SCRIPT, "nats-handlers-reaper"], {
      cwd: "/",
      detached: true,
      env: { PATH: process.env.PATH ?? "/usr/bin:/bin" },
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.on("error", (error) => failed(error.message));
    child.on("exit", (code, signal) => failed(`sh ended with ${signal ?? `code ${code}`}`));
    // Nothing is lost: a broken pipe means that sh has ended, which "exit" reports.
    child.stdin?.on("error", () => {});
    child.unref();
    (child.stdin as unknown as { unref(): void } | null)?.unref();
    return child;
  } catch (error) {
    failed(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
