// What `handlers new` writes.

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
