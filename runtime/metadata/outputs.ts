// `outputs: "atomic"`: what a run publishes is stored as one, and once. What it does not go with. Pure.

import type { ResolvedMetadata } from "./handler-metadata.ts";
import type { Problem } from "./metadata-problems.ts";

type Looked = Pick<ResolvedMetadata, "outputs" | "kind" | "batch" | "everyReplica" | "domain">;

export function outputsProblems({ outputs, kind, batch, everyReplica, domain }: Looked): Problem[] {
  if (outputs !== "atomic") return [];
  const reasons = [
    ...(kind === "durable"
      ? []
      : [
          `can be "atomic" for handlers of kind "durable" only; this one is "${kind}": none of its messages comes again`,
        ]),
    ...(batch === undefined
      ? []
      : ['cannot be "atomic" beside batch: each of its messages would need outputs of its own']),
    ...(everyReplica
      ? ['cannot be "atomic" beside replicas "each": only what the first of them publishes would be stored']
      : []),
    ...(domain === undefined
      ? []
      : ['cannot be "atomic" beside domain: while a link between domains is cut, nobody could say what is stored']),
  ];
  return reasons.map((message) => ({ path: ["outputs"], message }));
}
