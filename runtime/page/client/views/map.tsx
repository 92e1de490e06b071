// The map: who publishes what and who takes it. Drawn where there is room, a list where there is not.

import { signal } from "@preact/signals";
import type { SeenPublishes } from "../../message-answers.ts";
import { allRows, link, nowMs } from "../live.ts";
import { type MapEdge, type MapGraph, type MapNode, mapGraph } from "../map-graph.ts";
import { type Places, placesOf } from "../map-layout.ts";
import { Sign } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { Pre } from "../parts/pre.tsx";
import { query, refine } from "../place.ts";
import { handlerHref, hrefWith } from "../route.ts";
import { countText, plural, rateText } from "../words.ts";

/** Of a column and the space to the next, of a row, of a node: in pixels, as the style sheet has them. */
const COLUMN = 262;
const NODE = 190;
const ROW = 62;
const HEIGHT = 48;
const SEEN_EVERY_MS = 5_000;

const wide = matchMedia("(min-width: 50rem)");
const isWide = signal(wide.matches);
wide.addEventListener("change", ({ matches }) => {
  isWide.value = matches;
});

export function MapView() {
  const rows = allRows();
  const loaded = useLoaded<SeenPublishes>("/api/publishes", {}, Math.floor(nowMs.value / SEEN_EVERY_MS));
  const seen = new Map(
    loaded.kind === "there" ? loaded.value.publishes.map(({ handler, subjects }) => [handler, subjects] as const) : [],
  );
  const open = new Set((query.value.get("open") ?? "").split(",").filter((folder) => folder !== ""));
  const graph = mapGraph(rows, { seen, open });
  const key = `${graph.nodes.map((node) => node.key).join("\n")}\n\n${graph.edges.map(({ from, to }) => from + to).join("\n")}`;
  const places = layOut(key, graph);
  return (
    <>
      <h1 tabIndex={-1}>Map</h1>
      {rows.length === 0 && link.value === "live" && <Nothing />}
      {rows.length > 0 && <Legend open={open} />}
      {rows.length > 0 &&
        (isWide.value ? <Drawn graph={graph} places={places} open={open} /> : <Listed graph={graph} open={open} />)}
    </>
  );
}

/** Laid out anew only when something comes or goes, not with every count. */
let laidOut: { readonly key: string; readonly places: Places } | undefined;

function layOut(key: string, { nodes, edges }: MapGraph): Places {
  if (laidOut?.key !== key) {
    const keys = nodes.map((node) => node.key);
    laidOut = { key, places: placesOf(keys, edges) };
  }
  return laidOut.places;
}

function Nothing() {
  return (
    <Empty title="There is nothing to draw yet">
      <p>A file in the handlers folder makes a handler, and its subject and what it publishes a place on this map:</p>
      <Pre>{"npx handlers new todo/remind --subject todo.newitem"}</Pre>
    </Empty>
  );
}

function Legend({ open }: { readonly open: ReadonlySet<string> }) {
  return (
    <div class="toolbar">
      <p class="dim">
        Subjects, who takes them, and what those publish in turn: what they say in <code>publishes</code> (dashed), or
        were seen to do. Who else publishes is not known.
      </p>
      {open.size > 0 && (
        <button type="button" onClick={() => refine({ open: undefined })}>
          Close all folders
        </button>
      )}
    </div>
  );
}

interface ShownProps {
  readonly graph: MapGraph;
  readonly open: ReadonlySet<string>;
}

function Drawn({ graph, places, open }: ShownProps & { readonly places: Places }) {
  const at = (key: string) => {
    const { layer, row } = places.get(key) ?? { layer: 0, row: 0 };
    return { x: layer * COLUMN, y: row * ROW };
  };
  const all = graph.nodes.map(({ key }) => at(key));
  const width = Math.max(0, ...all.map(({ x }) => x)) + NODE;
  const height = Math.max(0, ...all.map(({ y }) => y)) + HEIGHT;
  return (
    <section class="map" tabIndex={0} aria-label="Map of subjects and handlers">
      <div class="map-ground" style={{ width: `${width}px`, height: `${height}px` }}>
        <svg width={width} height={height} aria-hidden="true">
          <title>How messages go</title>
          {graph.edges.map((edge) => (
            <Edge key={`${edge.from}\n${edge.to}`} edge={edge} from={at(edge.from)} to={at(edge.to)} />
          ))}
        </svg>
        {graph.nodes.map((node) => {
          const { x, y } = at(node.key);
          return (
            <div key={node.key} class="map-place" style={{ left: `${x}px`, top: `${y}px` }}>
              <Node node={node} open={open} />
            </div>
          );
        })}
      </div>
    </section>
  );
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function Edge({ edge, from, to }: { readonly edge: MapEdge; readonly from: Point; readonly to: Point }) {
  const { rate, failRate, isSaid } = edge;
  const [x1, y1, x2, y2] = [from.x + NODE, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  // What leads back goes around below.
  const isBack = x2 <= from.x;
  const bend = isBack ? 90 : Math.max(30, (x2 - x1) / 2);
  const path = `M ${x1} ${y1} C ${x1 + bend} ${y1 + (isBack ? ROW : 0)}, ${x2 - bend} ${y2 + (isBack ? ROW : 0)}, ${x2} ${y2}`;
  const look = ["map-edge", failRate > 0 ? "is-bad" : "", rate > 0 ? "is-busy" : "", isSaid ? "is-said" : ""];
  return (
    <>
      <path class={look.join(" ")} d={path} stroke-width={1.5 + Math.min(5, Math.log10(1 + rate) * 2)} />
      <path
        class={`map-head ${failRate > 0 ? "is-bad" : ""}`}
        d={`M ${x2 - 7} ${y2 - 4} L ${x2} ${y2} L ${x2 - 7} ${y2 + 4}`}
      />
      {rate > 0 && !isBack && (
        <text class="map-rate" x={x2 - 10} y={y2 - 7} text-anchor="end">
          {rateText(rate)}/s
        </text>
      )}
    </>
  );
}

function Node({ node, open }: { readonly node: MapNode; readonly open: ReadonlySet<string> }) {
  const { kind, key, text, tone, lacks } = node;
  if (kind === "subject")
    return (
      <a
        class={`map-node is-subject ${lacks === "taker" ? "is-lost" : ""}`}
        data-row
        href={subjectHref(node)}
        title={text}
      >
        <span class="map-name mono">{text}</span>
        <span class="map-note">{subjectNote(node)}</span>
      </a>
    );
  if (kind === "handler")
    return (
      <a class={`map-node tone-${tone}`} data-row href={handlerHref(text)} title={text}>
        <span class="map-name">
          <Sign tone={tone} /> {text}
        </span>
        <span class="map-note">{loadText(node)}</span>
      </a>
    );
  const folder = key.slice("folder ".length);
  return (
    <button
      type="button"
      class={`map-node tone-${tone}`}
      data-row
      title={`Open ${text}`}
      onClick={() => refine({ open: [...open, folder].join(",") })}
    >
      <span class="map-name">
        <Sign tone={tone} /> {text}
      </span>
      <span class="map-note">{loadText(node)}</span>
    </button>
  );
}

function subjectHref({ text, count }: MapNode): string {
  return count > 1 || /[*>]/.test(text)
    ? hrefWith("/messages", { q: count > 1 ? "" : text })
    : hrefWith("/send", { subject: text });
}

function subjectNote({ lacks }: MapNode): string {
  if (lacks === "taker") return "nobody here takes it";
  return lacks === "publisher" ? "publisher not known" : "";
}

function loadText({ kind, count, rate, failRate, waiting, tone }: MapNode): string {
  const parts = [
    ...(kind === "folder" ? [plural(count, "handler")] : tone === "off" ? ["off"] : []),
    `${rateText(rate)}/s`,
    ...(waiting > 0 ? [`${countText(waiting)} wait`] : []),
    ...(failRate > 0 ? [`${rateText(failRate)}/s fail`] : []),
  ];
  return parts.join(" · ");
}

/** On a phone: each subject with its takers below, and what these publish. */
function Listed({ graph, open }: ShownProps) {
  const nodeOf = new Map(graph.nodes.map((node) => [node.key, node]));
  const subjects = graph.nodes.filter(({ kind }) => kind === "subject");
  const taking = new Set(graph.edges.map(({ to }) => to));
  const others = graph.nodes.filter(({ kind, key }) => kind !== "subject" && !taking.has(key));
  const next = (key: string) =>
    graph.edges.filter(({ from }) => from === key).flatMap(({ to }) => nodeOf.get(to) ?? []);
  return (
    <ul class="map-list">
      {subjects.map((subject) => (
        <li key={subject.key}>
          <Node node={subject} open={open} />
          <ul>
            {next(subject.key).map((taker) => (
              <li key={taker.key}>
                <Node node={taker} open={open} />
                {next(taker.key).length > 0 && (
                  <p class="dim">
                    publishes{" "}
                    {next(taker.key).map(({ text }, at) => (
                      <>
                        {at > 0 && ", "}
                        <span class="mono">{text}</span>
                      </>
                    ))}
                  </p>
                )}
              </li>
            ))}
          </ul>
        </li>
      ))}
      {others.map((other) => (
        <li key={other.key}>
          <Node node={other} open={open} />
        </li>
      ))}
    </ul>
  );
}
