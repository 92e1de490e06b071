// A coding agent at `handlers mcp`: it writes lines, and reads lines.
// @module-tag any-server

import { expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const HELLO = `export const metadata = { subject: "hello", kind: "request" };
export default ({ name }) => ({ greeting: \`Hello, \${name}!\` });
`;

interface Answer {
  readonly id: number;
  readonly result?: { readonly content?: readonly { readonly text: string }[]; readonly isError?: boolean };
  readonly error?: { readonly message: string };
}

it("an agent sees what runs, and changes something only where it may", async () => {
  const app = await stage.start({ handlers: { "hello.js": HELLO }, config: { app: "shop" } });
  const ask = async (args: string[], ...calls: readonly (readonly [tool: string, given: object])[]) => {
    const requests = [
      { method: "initialize", params: { protocolVersion: "2025-06-18" } },
      ...calls.map(([name, given]) => ({ method: "tools/call", params: { name, arguments: given } })),
    ];
    const input = requests.map((request, id) => `${JSON.stringify({ jsonrpc: "2.0", id, ...request })}\n`).join("");
    const env = { NATS_URL: stage.server.url };
    const { code, stdout } = await runCli(["mcp", "--app", "shop", ...args], { cwd: app.project.rootDir, env, input });
    expect(code).toBe(0);
    const answers = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Answer);
    return answers.sort((a, b) => a.id - b.id).slice(1);
  };
  const textOf = ({ result }: Answer) => JSON.parse(result?.content?.[0]?.text ?? "null");

  const [listed, status, refused, broken] = await ask(
    [],
    ["list", {}],
    ["status", { names: ["hello"] }],
    ["request", { subject: "hello", payload: '{"name":"Ada"}' }],
    ["inspect", { name: "nobody" }],
  );
  expect(textOf(listed!)).toMatchObject({ handlers: [{ name: "hello", subject: "hello" }] });
  expect(JSON.stringify(textOf(status!))).toContain('"hello"');
  expect(refused).toMatchObject({ error: { message: 'there is no tool "request"' } });
  expect(broken?.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("nobody") }] });

  const [answered] = await ask(["--act"], ["request", { subject: "hello", payload: '{"name":"Ada"}' }]);
  expect(textOf(answered!)).toEqual({ greeting: "Hello, Ada!" });
});
