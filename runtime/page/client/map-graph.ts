// Who publishes what and who takes it, as nodes and edges: subjects and handlers, or folders of them where there are many. Pure.
//
// G1  A publisher is what says so, or was seen to publish. Of others nothing is known, and none is made up.
// G2  A folder that is closed is one node, with what its handlers take as one more: a thousand handlers stay legible.

import { claims } from "../../metadata/claims.ts";
import { hasWildcards, overlaps } from "../../metadata/subject.ts";
import type { HandlerRow, Tone } from "../answers.ts";
import { FEW, folderOf } from "./tree.ts";

export interface MapNode {
  readonly key: string;
  readonly kind: "subject" | "handler" | "folder";
  readonly text: string;
  /** Of a handler, or the worst in a folder. */
  readonly tone: Tone;
  /** Of a closed folder, or the subjects of one. */
  readonly count: number;
  readonly rate: number;
  readonly failRate: number;
  readonly waiting: number;
  /** Subjects of which no publisher is known, or that nobody takes. */
  readonly lacks: "publisher" | "taker" | undefined;
}

export interface MapEdge {
  readonly from: string;
  readonly to: string;
  readonly rate: number;
  readonly failRate: number;
  /** It says that it publishes there, and was not seen to. */
  readonly isSaid: boolean;
}

export interface MapGraph {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
}

export interface MapWish {
  /** What was seen: handler to subjects. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  /** Folders that are open though there are many handlers. */
  readonly open: ReadonlySet<string>;
}

const WORST: readonly Tone[] = ["bad", "stuck", "coming", "off", "good", "idle"];
const FEW_SUBJECTS = 3;
/** The folder of those that are in none. */
const ROOT = ".";

export function mapGraph(rows: readonly HandlerRow[], { seen, open }: MapWish): MapGraph {
  const graph = new Builder();
  const folders = Map.groupBy(rows, ({ name }) => folderOf(name) || ROOT);
  for (const [folder, own] of folders) {
    const isClosed = rows.length > FEW && own.length > FEW_SUBJECTS && !open.has(folder);
    if (isClosed) graph.addFolder(folder, own);
    else for (const row of own) graph.addHandler(row);
  }
  for (const row of rows) graph.addPublishes(row, seen.get(row.name) ?? []);
  return graph.done();
}

class Builder {
  private readonly nodes = new Map<string, MapNode>();
  private readonly edges = new Map<string, MapEdge>();
  /** Subject as a handler takes it, to its node. */
  private readonly subjects = new Map<string, string>();
  /** Those of them that have wildcards. */
  private readonly patterns = new Map<string, string>();
  private readonly makers = new Map<string, string>();

  addHandler(row: HandlerRow): void {
    const { name, tone, rate, failRate } = row;
    const key = `handler ${name}`;
    this.makers.set(name, key);
    const own = { key, kind: "handler", text: name, tone, count: 1 } as const;
    this.nodes.set(key, { ...own, rate, failRate, waiting: waitingOf(row), lacks: undefined });
    // Of several subjects it is not known how much comes of each.
    for (const subject of claims(row))
      this.edge({ from: this.subject(subject), to: key, rate, failRate, isSaid: false });
  }

  /** G2. */
  addFolder(folder: string, rows: readonly HandlerRow[]): void {
    const key = `folder ${folder}`;
    const sum = (value: (row: HandlerRow) => number) => rows.reduce((total, row) => total + value(row), 0);
    const [rate, failRate] = [sum((row) => row.rate), sum((row) => row.failRate)];
    const own = { key, kind: "folder", text: `${folder}/`, tone: worstOf(rows), count: rows.length } as const;
    this.nodes.set(key, { ...own, rate, failRate, waiting: sum(waitingOf), lacks: undefined });
    for (const { name } of rows) this.makers.set(name, key);
    const subjects = [...new Set(rows.flatMap(claims))];
    if (subjects.length > FEW_SUBJECTS) {
      const many = this.many(folder, subjects);
      this.edge({ from: many, to: key, rate, failRate, isSaid: false });
    } else
      for (const row of rows)
        for (const subject of claims(row))
          this.edge({
            from: this.subject(subject),
            to: key,
            rate: row.rate,
            failRate: row.failRate,
            isSaid: false,
          });
  }

  /** G1. */
  addPublishes({ name, publishes }: HandlerRow, seen: readonly string[]): void {
    const from = this.makers.get(name);
    if (from === undefined) return;
    for (const subject of new Set([...publishes, ...seen])) {
      const taken = this.nodesTaking(subject);
      const isSaid = !seen.some((one) => overlaps(subject, one));
      for (const to of taken.size > 0 ? taken : [this.subject(subject)])
        this.edge({ from, to, rate: 0, failRate: 0, isSaid });
    }
  }

  done(): MapGraph {
    const edges = [...this.edges.values()];
    const [published, taken] = [new Set(edges.map(({ to }) => to)), new Set(edges.map(({ from }) => from))];
    const nodes = [...this.nodes.values()].map((node) => ({ ...node, lacks: lackOf(node, published, taken) }));
    return { nodes, edges };
  }

  /** Most subjects are literal: only those with wildcards have to be looked through. */
  private nodesTaking(subject: string): ReadonlySet<string> {
    const looked = hasWildcards(subject) ? this.subjects : this.patterns;
    const found = [...looked].filter(([pattern]) => overlaps(pattern, subject)).map(([, node]) => node);
    const literal = this.subjects.get(subject);
    return new Set(literal === undefined ? found : [literal, ...found]);
  }

  private subject(text: string): string {
    const known = this.subjects.get(text);
    if (known !== undefined) return known;
    const key = `subject ${text}`;
    this.remember(text, key);
    this.nodes.set(key, subjectNode(key, text, 1));
    return key;
  }

  private many(folder: string, subjects: readonly string[]): string {
    const key = `subjects ${folder}`;
    for (const subject of subjects) if (!this.subjects.has(subject)) this.remember(subject, key);
    this.nodes.set(key, subjectNode(key, `${subjects.length} subjects`, subjects.length));
    return key;
  }

  private remember(subject: string, node: string): void {
    this.subjects.set(subject, node);
    if (hasWildcards(subject)) this.patterns.set(subject, node);
  }

  /** Several between the same two are one. */
  private edge(edge: MapEdge): void {
    const key = `${edge.from}\n${edge.to}`;
    const before = this.edges.get(key);
    if (before === undefined) this.edges.set(key, edge);
    else
      this.edges.set(key, {
        ...edge,
        rate: before.rate + edge.rate,
        failRate: before.failRate + edge.failRate,
        isSaid: before.isSaid && edge.isSaid,
      });
  }
}

function subjectNode(key: string, text: string, count: number): MapNode {
  return { key, kind: "subject", text, tone: "idle", count, rate: 0, failRate: 0, waiting: 0, lacks: undefined };
}

function lackOf({ key, kind }: MapNode, published: ReadonlySet<string>, taken: ReadonlySet<string>): MapNode["lacks"] {
  if (kind !== "subject") return undefined;
  if (!taken.has(key)) return "taker";
  return published.has(key) ? undefined : "publisher";
}

function worstOf(rows: readonly HandlerRow[]): Tone {
  return WORST.find((tone) => rows.some((row) => row.tone === tone)) ?? "idle";
}

function waitingOf({ pending, queued }: HandlerRow): number {
  return pending ?? queued;
}
