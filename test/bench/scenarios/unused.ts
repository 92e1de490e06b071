// What `envelope`, `when` and `propagate` cost handlers that do not use them: this version beside the last one that had none of them.

import { Lab } from "../lab.ts";
import { besideBefore, type Comparison } from "../measure/beside-before.ts";
import { earlierVersion } from "../measure/earlier-version.ts";
import type { Options, Report, Scenario } from "../scenario.ts";
import type { Work } from "../work.ts";

/** The last commit without them. */
const WITHOUT = "1b29921";
const PAYLOAD_BYTES = 120;
const FLOOD = { payloadBytes: PAYLOAD_BYTES, step: 1_000, window: 8_000 };
const AT_ONCE = 64;
/** Rounds' worth of messages before the first round. */
const WARM_UP = 5;

async function run(options: Options): Promise<Report> {
  const earlier = options.before === undefined ? earlierVersion(WITHOUT) : undefined;
  const before = options.before ?? earlier?.folder ?? "";
  const lab = await Lab.open(undefined);
  try {
    const plans = [
      floodPlan(lab, "an event", "count", 300_000),
      floodPlan(lab, "an event whose handler publishes another", "publish", 100_000),
      requestPlan(lab, 30_000),
    ];
    const compared = [];
    for (const plan of plans) compared.push(await besideBefore(lab, sized(plan, before, options)));
    return {
      tables: compared.map(({ table }) => table),
      data: compared.map(({ table: { title }, was, is, ratio }) => ({ title, was, is, ratio })),
      failures: compared.flatMap(({ failures }) => failures),
    };
  } finally {
    await lab.close();
    earlier?.remove();
  }
}

type Plan = Omit<Comparison, "before" | "rounds" | "warmUp" | "scenario">;

function sized(plan: Plan, before: string, { rounds, messages: wanted = plan.messages }: Options): Comparison {
  const messages = Math.ceil(wanted / FLOOD.step) * FLOOD.step;
  return { ...plan, scenario: "unused", before, rounds, messages, warmUp: messages * WARM_UP };
}

function floodPlan(lab: Lab, title: string, does: Work["does"], messages: number): Plan {
  return {
    title,
    messages,
    workOf: (name) => ({ name, subject: `bench.${does}.${name}`, does, step: FLOOD.step }),
    run: (work, count) => lab.publisher.call("flood", { ...FLOOD, subjects: [work.subject], handlers: [work], count }),
  };
}

function requestPlan(lab: Lab, messages: number): Plan {
  return {
    title: `a request, ${AT_ONCE} at once`,
    messages,
    workOf: (name) => ({ name, subject: `bench.reply.${name}`, does: "reply", step: 1 }),
    run: ({ subject }, count) =>
      lab.publisher.call("ask", { subject, payloadBytes: PAYLOAD_BYTES, atOnce: AT_ONCE, count }),
  };
}

export const unused: Scenario = {
  name: "unused",
  summary: "what envelope, when and propagate cost where they are not used: beside the version before them",
  run,
};
