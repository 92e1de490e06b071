// The stacks of a profile, merged: one for each way to a function, however often V8 has compiled it anew.

import { type CpuProfile, type ProfileNode, type Span, type Taken, takenBy } from "./cpu-profile.ts";
import { type Frame, frameOf, type Kind } from "./frame.ts";

export interface Stack extends Frame {
  /** In this function itself. */
  readonly selfUs: number;
  /** And in all it called. */
  readonly totalUs: number;
  readonly children: readonly Stack[];
}

export interface Stacks {
  /** Nothing called these. */
  readonly outermost: readonly Stack[];
  readonly busyUs: number;
  readonly idleUs: number;
  /** Idle ones not counted. */
  readonly samples: number;
}

/** What the process did within the spans. Being idle is nothing it does. */
export function stacksOf(profile: CpuProfile, spans: readonly Span[]): Stacks {
  const taken = takenBy(profile, spans);
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const idle = profile.nodes.find(({ callFrame }) => callFrame.functionName === "(idle)");
  const idleUs = (idle && taken.get(idle.id)?.us) ?? 0;
  if (idle !== undefined) taken.delete(idle.id);
  const called = (ids: readonly number[]) => ids.map((id) => nodes.get(id)!);
  const outermost = merged(called(profile.nodes[0]?.children ?? []), taken, called);
  return {
    outermost,
    busyUs: sum(outermost.map(({ totalUs }) => totalUs)),
    idleUs,
    samples: sum([...taken.values()].map(({ samples }) => samples)),
  };
}

/** What each kind of code took itself. */
export function shares({ outermost, busyUs }: Stacks): ReadonlyMap<Kind, number> {
  const all = new Map<Kind, number>();
  const add = ({ kind, selfUs, children }: Stack): void => {
    all.set(kind, (all.get(kind) ?? 0) + selfUs / busyUs);
    children.forEach(add);
  };
  outermost.forEach(add);
  return all;
}

function merged(
  siblings: readonly ProfileNode[],
  taken: ReadonlyMap<number, Taken>,
  called: (ids: readonly number[]) => ProfileNode[],
): Stack[] {
  const same = Map.groupBy(siblings, ({ callFrame }) => JSON.stringify(frameOf(callFrame)));
  const stacks = [...same.values()].map((nodes): Stack => {
    const selfUs = sum(nodes.map(({ id }) => taken.get(id)?.us ?? 0));
    const children = merged(called(nodes.flatMap(({ children = [] }) => children)), taken, called);
    return {
      ...frameOf(nodes[0]!.callFrame),
      selfUs,
      totalUs: selfUs + sum(children.map(({ totalUs }) => totalUs)),
      children,
    };
  });
  return stacks.filter(({ totalUs }) => totalUs > 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
