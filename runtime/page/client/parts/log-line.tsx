// A line of a replica's log.

import { momentText } from "../../../terminal/time-text.ts";
import type { LogEntry } from "../../answers.ts";
import { nowMs } from "../live.ts";
import { Pre } from "./pre.tsx";

export function LogLine({ line }: { readonly line: LogEntry }) {
  const { timeMs, level, replica, text, fields, frame } = line;
  return (
    <div class={`line level-${level}`}>
      <span class="dim">
        {momentText(timeMs, nowMs.value)} {replica.slice(0, 4)}
      </span>{" "}
      <span class="level">{level}</span> <span class="text">{text}</span>{" "}
      {fields !== "" && <span class="dim">{fields}</span>}
      {frame !== undefined && <Pre class="frame">{frame}</Pre>}
    </div>
  );
}
