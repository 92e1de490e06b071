// A handler whose set-up opens a port: a new version cannot have it while the old one listens.
// @module-tag any-server

import { expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { shown, useStage } from "../support/runtime.ts";

const stage = useStage();

const listening = (version: string, port: number, options = "") => `import { createServer } from "node:http";
import { once } from "node:events";
export const metadata = { subject: "listens", kind: "request", ${options} };
const server = createServer((_, response) => response.end("${version}"));
export const setup = async () => { server.listen(${port}, "127.0.0.1"); await once(server, "listening"); };
export const teardown = () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
export default () => "${version}";`;

const value = async () => (await stage.client.ask("listens")).value;
const fetched = async (port: number) => (await fetch(`http://127.0.0.1:${port}/`)).text();

it("a port that the version before holds is told with what to write; what serves goes on", async () => {
  const port = await freePort();
  const app = await stage.start({ handlers: { "listens.ts": listening("one", port) } });
  const save = () => app.project.write("listens.ts", listening("two", port));
  const failed = await app.after(save, "handler.failed", { handler: "listens" });
  expect(failed.error.code).toBe("HANDLER_SETUP_FAILED");
  expect(shown(failed)).toMatch(/EADDRINUSE[\s\S]*exclusive: true[\s\S]*reusePort: true/);
  expect([await value(), await fetched(port)]).toEqual(["one", "one"]);
});

it("`exclusive: true` has the old version end before the new one is set up; requests wait meanwhile, and none fails", async () => {
  const port = await freePort();
  const app = await stage.start({ handlers: { "listens.ts": listening("v0", port, "exclusive: true") } });
  let isOver = false;
  const asking = (async () => {
    const answers: unknown[] = [];
    while (!isOver) answers.push(await value());
    return answers;
  })();
  for (const version of ["v1", "v2", "v3"]) {
    const save = () => app.project.write("listens.ts", listening(version, port, "exclusive: true"));
    await app.after(save, "handler.serving", { why: "reload" });
    expect([await value(), await fetched(port)]).toEqual([version, version]);
  }
  isOver = true;
  expect([...new Set(await asking)]).toEqual(["v0", "v1", "v2", "v3"]);
  expect(app.told("handler.failed")).toEqual([]);
});
