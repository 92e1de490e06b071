// The last hour of a handler: how many messages a second, how many of them failed, how long they took, how many waited.

import { spanText } from "../../../terminal/time-text.ts";
import type { HandlerHistory } from "../../answers.ts";
import { aboveGround, linePath, roundTop, type Value } from "../chart-lines.ts";
import { nowMs } from "../live.ts";
import { useLoaded } from "../parts/loaded.ts";
import { countText, msText, rateText } from "../words.ts";

const BOX = { width: 720, height: 90 };
const AGAIN_MS = 10_000;

export function Hour({ name }: { readonly name: string }) {
  const loaded = useLoaded<HandlerHistory>("/api/history", { name }, Math.floor(nowMs.value / AGAIN_MS));
  if (loaded.kind !== "there") return null;
  const { points } = loaded.value;
  return (
    <section>
      <h2>The last hour</h2>
      {points.length === 0 ? (
        <p class="dim">It is drawn from now on, while this page is open.</p>
      ) : (
        <div class="charts">
          <Chart
            title="Messages a second"
            history={loaded.value}
            lines={[
              ["all", "accent", (point) => point.rate],
              ["failed", "bad", (point) => point.failRate],
            ]}
            text={rateText}
          />
          <Chart
            title="Took"
            history={loaded.value}
            lines={[
              ["p50", "accent", (point) => point.p50Ms],
              ["p99", "warn", (point) => point.p99Ms],
            ]}
            text={msText}
          />
          <Chart
            title="Waiting"
            history={loaded.value}
            lines={[["waiting", "warn", (point) => point.waiting]]}
            text={countText}
          />
        </div>
      )}
    </section>
  );
}

type Point = HandlerHistory["points"][number];
type Look = "accent" | "warn" | "bad";
/** Undefined: there is nothing to tell of that time. */
type Line = readonly [name: string, look: Look, value: (point: Point) => number | undefined];

interface ChartProps {
  readonly title: string;
  readonly history: HandlerHistory;
  readonly lines: readonly Line[];
  readonly text: (value: number) => string;
}

/** What is known is shown large: not a minute of it at the end of an hour. */
const LEAST_STEPS = 30;

function Chart({ title, history: { points, steps, stepMs }, lines, text }: ChartProps) {
  const [first] = points;
  const shown = Math.max(LEAST_STEPS, steps - (first?.at ?? 0));
  const drawn = lines.map(([name, look, value]) => {
    const values = points.flatMap((point): Value[] => {
      const known = value(point);
      return known === undefined ? [] : [{ at: point.at - steps + shown, value: known }];
    });
    return { name, look, values: look === "bad" ? aboveGround(values) : values, last: value(points.at(-1)!) };
  });
  const top = roundTop(drawn.flatMap(({ values }) => values.map(({ value }) => value)));
  const told = drawn.flatMap(({ name, last }) => (last === undefined ? [] : `${text(last)} ${name}`));
  const now = told.length === 0 ? "nothing" : told.join(", ");
  return (
    <figure class="chart">
      <figcaption>
        {title} <span class="dim">now {now}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${BOX.width} ${BOX.height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${now}`}
      >
        {drawn.map(({ name, look, values }) => (
          <path key={name} class={`chart-line is-${look}`} d={linePath(values, shown, top, BOX)} />
        ))}
      </svg>
      <span class="chart-top dim" aria-hidden="true">
        {text(top)}
      </span>
      <span class="chart-axis dim" aria-hidden="true">
        <span>{spanText(shown * stepMs)} ago</span>
        <span>now</span>
      </span>
    </figure>
  );
}
