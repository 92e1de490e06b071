// What was found out when a handler was tried on stored messages, as far as it may be seen from here.

import { isSecretName } from "../observe/redact.ts";
import type { ShadowAnswer, ShadowReport } from "./answers.ts";
import type { Desk } from "./desk.ts";
import { MASK, partView } from "./payload-view.ts";

export async function readShadow(
  { shadowReport, showsPayloads }: Pick<Desk, "shadowReport" | "showsPayloads">,
  handler: string,
): Promise<ShadowAnswer> {
  const report = await shadowReport?.(handler);
  if (report === undefined) return {};
  const differences = report.differences.map(({ what, messages, examples }) => ({
    what,
    messages,
    examples: showsPayloads ? examples.map((example) => shown(what, example)) : [],
  }));
  return { report: { ...report, differences } };
}

type Example = ShadowReport["differences"][number]["examples"][number];

/** They are parts of payloads, cut. `what`: where in them, in words. */
function shown(what: string, { sequence, before, after }: Example): Example {
  const isSecret = what.split(/[^\w-]+/).some(isSecretName);
  const text = (part: string) => (isSecret ? MASK : partView(Buffer.from(part), Number.POSITIVE_INFINITY).text);
  return { sequence, before: text(before), after: text(after) };
}
