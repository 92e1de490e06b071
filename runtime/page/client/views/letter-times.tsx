// When letters failed, as bars: since when it goes wrong, and how badly.

import { momentText, spanText } from "../../../terminal/time-text.ts";
import type { LetterTimes } from "../../answers.ts";
import { nowMs } from "../live.ts";
import { countText } from "../words.ts";

const BOX = { width: 480, height: 48 };

export function LetterTimesChart({ times: { fromMs, stepMs, counts } }: { readonly times: LetterTimes }) {
  if (counts.length < 2) return null;
  const most = Math.max(1, ...counts);
  const step = BOX.width / counts.length;
  const now = nowMs.value;
  const untilMs = fromMs + counts.length * stepMs;
  const title = `Failed between ${momentText(fromMs, now)} and ${momentText(untilMs, now)}`;
  return (
    <figure class="chart">
      <figcaption>
        When they failed{" "}
        <span class="dim">
          at most {countText(most)} in {spanText(stepMs)}
        </span>
      </figcaption>
      <svg viewBox={`0 0 ${BOX.width} ${BOX.height}`} preserveAspectRatio="none" role="img" aria-label={title}>
        {counts.map((count, at) => {
          const height = count === 0 ? 0 : Math.max(2, (count / most) * BOX.height);
          return (
            <rect
              key={at}
              class="chart-bar"
              x={at * step}
              y={BOX.height - height}
              width={Math.max(1, step - 1)}
              height={height}
            />
          );
        })}
      </svg>
      <span class="chart-axis dim" aria-hidden="true">
        <span>{momentText(fromMs, now)}</span>
        <span>{momentText(untilMs, now)}</span>
      </span>
    </figure>
  );
}
