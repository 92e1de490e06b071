// What is told of a new version that is tried on a share of a handler's messages.

import type { ReportedHandler } from "./control-protocol.ts";

/** Empty where none is. */
export function canaryTexts({ canary }: Pick<ReportedHandler, "canary">): string[] {
  if (canary === undefined) return [];
  const { version, percent, messages, own, before } = canary;
  const done = `${own.handled} of ${messages} messages, ${own.failed} failed`;
  return [`tries ${version} on ${percent} %: ${done}; of the others ${before.failed} of ${before.handled} failed`];
}
