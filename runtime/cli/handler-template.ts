// What `handlers new` writes: the handler, and with `--test` a test of it.

export const KINDS = ["event", "durable", "request"] as const;
export type Kind = (typeof KINDS)[number];

export function isKind(word: string): word is Kind {
  return (KINDS as readonly string[]).includes(word);
}

const OPTIONS: Readonly<Record<Kind, string>> = {
  event: "",
  durable: `  retry: { attempts: 5, backoff: ["1s", "5s", "30s"] },\n`,
  request: "",
};

const WHEN: Readonly<Record<Kind, string>> = {
  event: "// Runs for each message, at most once. What it returns is not used.",
  durable: "// Runs for each message until it returns, so it may run more than once: make it safe to repeat.",
  request: "// What it returns is the reply.",
};

const BODY: Readonly<Record<Kind, string>> = {
  event: '  ctx.log.info({ event }, "received a message");\n',
  durable: '  ctx.log.info({ event, attempt: ctx.attempt }, "received a message");\n',
  request: '  ctx.log.info({ event }, "asked");\n  return { received: event ?? null };\n',
};

export function handlerSource(kind: Kind, subject: string): string {
  return `import { defineHandler, type HandlerMetadata } from "nats-handlers";

export const metadata = {
  subject: ${JSON.stringify(subject)},
  kind: "${kind}",
${OPTIONS[kind]}  // Add a schema, such as \`schema: z.object({ name: z.string() })\`, and the payload is checked and typed.
} satisfies HandlerMetadata;

${WHEN[kind]}
export default defineHandler(metadata, async (event, ctx) => {
${BODY[kind]}});
`;
}

export const RUNNERS = ["vitest", "jest", "node"] as const;
export type Runner = (typeof RUNNERS)[number];

/** How a test looks in each; Node's own needs nothing installed. */
const TESTS: Readonly<Record<Runner, { readonly imports: string; readonly returned: string }>> = {
  vitest: { imports: `import { expect, test } from "vitest";\n`, returned: `expect(run.outcome).toBe("returned")` },
  jest: {
    imports: `import { expect, test } from "@jest/globals";\n`,
    returned: `expect(run.outcome).toBe("returned")`,
  },
  node: {
    imports: `import assert from "node:assert/strict";\nimport { test } from "node:test";\n`,
    returned: `assert.equal(run.outcome, "returned", run.error?.message)`,
  },
};

/** @param subject one that a message can be published to */
export function testSource(runner: Runner, name: string, pattern: string, subject: string): string {
  const { imports, returned } = TESTS[runner];
  const options = subject === pattern ? "" : `, { subject: ${JSON.stringify(subject)} }`;
  return `${imports}import { runHandler } from "nats-handlers/testing";
import * as handler from "./${name}.ts";

test("a message is handled", async () => {
  const run = await runHandler(handler, { name: "world" }${options});
  ${returned};
});
`;
}
