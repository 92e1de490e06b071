// What V8 writes as .cpuprofile: the stacks as a tree, and which of its nodes was met at each sample.

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0; below 0 where there is none. */
  readonly lineNumber: number;
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  /** Ids. */
  readonly children?: readonly number[] | undefined;
}

export interface CpuProfile {
  /** The root first. */
  readonly nodes: readonly ProfileNode[];
  /** Microseconds of the monotonic clock, which all processes of a machine share. */
  readonly startTime: number;
  /** The id of the node at each sample. */
  readonly samples?: readonly number[] | undefined;
  /** Microseconds since the sample before. */
  readonly timeDeltas?: readonly number[] | undefined;
}

/** Of the same clock. */
export interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
}

export interface Taken {
  readonly samples: number;
  readonly us: number;
}

/** What each node was met in within the spans, callees not counted, by its id. A sample holds until the next one. */
export function takenBy(profile: CpuProfile, spans: readonly Span[]): Map<number, Taken> {
  const { samples = [], timeDeltas = [] } = profile;
  const taken = new Map<number, Taken>();
  let atUs = profile.startTime;
  samples.forEach((id, at) => {
    atUs += timeDeltas[at] ?? 0;
    if (!spans.some(({ fromUs, untilUs }) => atUs >= fromUs && atUs < untilUs)) return;
    const before = taken.get(id) ?? { samples: 0, us: 0 };
    taken.set(id, { samples: before.samples + 1, us: before.us + Math.max(0, timeDeltas[at + 1] ?? 0) });
  });
  return taken;
}
