// A change of one app, compared with what runs beside it on the same NATS.
// @module-tag any-server

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { createProject, type TestProject } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const ID = "{ id: z.string() }";
const events = (order = ID, ordered = ID, reply = "{ cents: z.number() }") => `import { z } from "zod";
export const order = { subject: "shop.order", schema: z.object(${order}) };
export const ordered = { subject: "shop.ordered", schema: z.object(${ordered}) };
export const price = { subject: "shop.price", schema: z.string(), reply: z.object(${reply}) };\n`;
const metadata = (text: string, imports = "") => `import { z } from "zod";
import { ${imports || "order"} } from "./_events.ts";
export const metadata = { ${text} };
export default () => ({ cents: 1 });\n`;
const SHOP = {
  "_events.ts": events(),
  "save.ts": metadata("...order, publishes: [ordered]", "order, ordered"),
  "price.ts": metadata('...price, kind: "request"', "price"),
};
const CRM = {
  "_events.ts": events(),
  "sync.ts": metadata('subject: "crm.sync", publishes: [order, price]', "order, price"),
  "watch.ts": metadata("...ordered", "ordered"),
};

const stage = useStage();
let here: TestProject;
beforeEach(() => {
  here = createProject(SHOP);
});
afterEach(() => here.end());

const fleet = (...args: string[]) =>
  runCli(["describe", "--check", "--fleet", ...args], { cwd: here.rootDir, env: { NATS_URL: stage.server.url } });

describe("handlers describe --check --fleet", () => {
  it("names the running handlers that a change breaks, of every app, and ends with 1", async () => {
    // Replicas of one app with other handlers each: every one is asked for its own.
    await stage.start({ handlers: SHOP });
    const { "sync.ts": sync, "watch.ts": watch, ...shared } = CRM;
    await stage.start({ handlers: { ...shared, "sync.ts": sync }, config: { app: "crm" } });
    await stage.start({ handlers: { ...shared, "watch.ts": watch }, config: { app: "crm" } });
    const unchanged = await fleet();
    expect(unchanged).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringContaining("nothing breaks in 2 running apps (crm, shop)"),
    });

    here.write("_events.ts", events("{ id: z.string().optional() }"));
    expect(await fleet()).toMatchObject({ code: 0, stdout: "" });

    here.write(
      "_events.ts",
      events("{ id: z.string(), note: z.string() }", "{ id: z.number() }", "{ cents: z.string() }"),
    );
    const { code, stdout } = await fleet();
    expect({ code, lines: stdout.trimEnd().split("\n") }).toEqual({
      code: 1,
      lines: [
        '✗ sync of crm publishes shop.order: "note" is required, and may be missing (required) · at the other end: save of shop',
        '✗ sync of crm requests shop.price: "cents" may be string, which is not allowed (type) · at the other end: price of shop',
        '✗ watch of crm takes shop.ordered: "id" may be number, which is not allowed (type) · at the other end: save of shop',
      ],
    });

    here.write("_events.ts", events());
    here.remove("price.ts");
    const removed = await fleet("--json");
    expect({ code: removed.code, ...JSON.parse(removed.stdout) }).toEqual({
      code: 1,
      apps: ["crm", "shop"],
      unknown: [],
      silent: [],
      breaks: [
        {
          app: "crm",
          handler: "sync",
          does: "requests",
          subject: "shop.price",
          path: "",
          rule: "removed",
          text: "is answered by no handler any more",
          other: { app: "shop", handler: "price" },
        },
      ],
    });
  });

  it("compares with the version that serves, where a handler is rolled back", async () => {
    // An app of its own: what is kept, and said, stays on the server.
    const crm = await stage.start({ handlers: CRM, config: { app: "crm-back" } });
    const { version = "" } = crm.status("watch");
    await crm.next("version.kept", { handler: "watch", version }, 0);
    const loose = metadata('subject: "shop.ordered", schema: z.object({ id: z.unknown() })');
    const saved = await crm.after(() => crm.project.write("watch.ts", loose), "handler.serving", { handler: "watch" });
    await crm.next("version.kept", { handler: "watch", version: saved.version }, 0);
    here.write("_events.ts", events(ID, "{ id: z.number() }"));
    expect(await fleet()).toMatchObject({ code: 0, stdout: "" });

    const options = { cwd: here.rootDir, env: { NATS_URL: stage.server.url } };
    expect(await runCli(["rollback", "watch", "--app", "crm-back"], options)).toMatchObject({ code: 0 });
    expect(await fleet()).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^✗ watch of crm-back takes shop\.ordered/),
    });
  });

  it("tells of a handler that cannot say what it takes, and compares the others", async () => {
    const crm = await stage.start({ handlers: CRM, config: { app: "crm" } });
    await crm.after(() => crm.project.write("watch.ts", "export default ("), "handler.failed", { handler: "watch" });
    here.write("_events.ts", events("{ id: z.number() }"));
    const { code, stdout, stderr } = await fleet();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ sync of crm publishes shop\.order:.*\n$/);
    expect(stderr).toMatch(/! watch of crm is not compared: it cannot be loaded now: /);
  });

  it("ends with 3 where no runtime answers, and refuses what contradicts it", async () => {
    expect(await fleet()).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('no runtime of app "shop" answers'),
    });
    const file = await runCli(["describe", "--check", "base.json", "--fleet"], { cwd: here.rootDir });
    expect(file).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--check FILE and --fleet exclude each other"),
    });
    const bare = await runCli(["describe", "--check"], { cwd: here.rootDir });
    expect(bare).toMatchObject({ code: 2, stderr: expect.stringContaining("--check: with what?") });
  });
});
