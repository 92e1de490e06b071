// Rounds in turn, A B A B: what else the machine does meets both, and ratios are taken between neighbours.

import type { Span } from "../flame/cpu-profile.ts";
import type { Contender, CpuNs, Lab, Pair } from "../lab.ts";

export interface Round<T> extends Span {
  readonly result: T;
  /** CPU nanoseconds of the subject under test, by process. */
  readonly cpu: CpuNs;
  /** CPU nanoseconds of publisher and server: shows when they, and not the subject, were the limit. */
  readonly around: CpuNs;
}

export type Rounds<T, N extends string = Pair> = Readonly<Record<N, readonly Round<T>[]>>;

export interface Alternation<T, N extends string> {
  readonly lab: Lab;
  readonly contenders: readonly Contender<N>[];
  readonly rounds: number;
  /** Not counted; lets the compilers settle. */
  readonly warmUp: (contender: Contender<N>) => Promise<unknown>;
  /** Before each round, and not counted. */
  readonly prepare?: (contender: Contender<N>) => Promise<unknown>;
  readonly measure: (contender: Contender<N>) => Promise<T>;
}

export async function alternate<T, N extends string = Pair>(alternation: Alternation<T, N>): Promise<Rounds<T, N>> {
  const { contenders, rounds, warmUp } = alternation;
  const all = Object.fromEntries(contenders.map(({ name }) => [name, [] as Round<T>[]])) as Record<N, Round<T>[]>;
  for (const contender of contenders) await warmUp(contender);
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) all[contender.name].push(await measured(alternation, contender));
  }
  return all;
}

async function measured<T, N extends string>(
  { lab, prepare, measure }: Alternation<T, N>,
  contender: Contender<N>,
): Promise<Round<T>> {
  await prepare?.(contender);
  const cpuBefore = contender.cpu();
  const aroundBefore = lab.serverCpu();
  const fromUs = nowUs();
  const result = await measure(contender);
  const untilUs = nowUs();
  const cpu = difference(contender.cpu(), cpuBefore);
  return { result, cpu, around: difference(lab.serverCpu(), aroundBefore), fromUs, untilUs };
}

/** Of the monotonic clock, by which profiles go too. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

function difference(after: CpuNs, before: CpuNs): CpuNs {
  return Object.fromEntries(Object.entries(after).map(([part, ns]) => [part, ns - (before[part] ?? 0)]));
}

export function totalNs(cpu: CpuNs): number {
  return Object.values(cpu).reduce((sum, ns) => sum + ns, 0);
}
