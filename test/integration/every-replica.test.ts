// `replicas: "each"`: what each replica holds for itself is told to each.

import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli-process.ts";
import { useStage } from "../support/runtime.ts";

interface Heard {
  readonly by: string;
  readonly n: number;
  readonly version: number;
}

const stage = useStage();

const cache = (version: number, replicas = "each") => `
  export const metadata = { subject: "price.*", kind: "event", replicas: "${replicas}", env: ["REPLICA"] };
  export default async ({ n }, ctx) => {
    await ctx.publish("heard", { by: process.env.REPLICA, n, version: ${version} });
  };`;

const start = (name: string, source = cache(1)) =>
  stage.start({ handlers: { "cache.js": source }, environment: { REPLICA: name } });

const numbers = (values: readonly Heard[], by: string) => values.filter((heard) => heard.by === by).map(({ n }) => n);

function publish(from: number, count: number): number[] {
  const all = Array.from({ length: count }, (_, at) => from + at);
  for (const n of all) stage.client.publish("price.x", { n });
  return all;
}

describe("a handler whose every replica has every message", { tags: ["any-server"] }, () => {
  it("runs each message once in each replica, and one that has gone is missed by nobody", async () => {
    const heard = await stage.client.collect<Heard>("heard");
    const [, second] = [await start("a"), await start("b"), await start("c")];
    const first = publish(0, 40);
    await heard.until(120);
    for (const by of ["a", "b", "c"]) expect(numbers(heard.values, by)).toEqual(first);
    await second.close();
    const all = [...first, ...publish(40, 40)];
    await heard.until(200);
    for (const by of ["a", "c"]) expect(numbers(heard.values, by)).toEqual(all);
    expect(numbers(heard.values, "b")).toEqual(first);
  });

  it("goes on through a save, and shares again when a save says so", async () => {
    const heard = await stage.client.collect<Heard>("heard");
    const [one, two] = [await start("a"), await start("b")];
    const save = (app: typeof one, source: string) =>
      app.after(
        () => app.project.write("cache.js", source),
        "handler.serving",
        ({ why }) => why === "reload",
      );
    for (const app of [one, two]) await save(app, cache(2));
    publish(0, 20);
    await heard.until(40);
    expect(heard.values.map(({ version }) => version)).toEqual(Array(40).fill(2));
    for (const app of [one, two]) await app.after(() => save(app, cache(3, "share")), "handler.unbound");
    publish(20, 20);
    await heard.until(60);
    const shared = heard.values.slice(40).map(({ n }) => n);
    expect(shared.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => 20 + at));
  });

  it("is granted its subject without a queue group, and told as such", async () => {
    const app = await start("a");
    const { stdout } = await runCli(["permissions"], {
      cwd: app.project.rootDir,
      env: { NATS_URL: stage.server.url, REPLICA: "a" },
    });
    expect(stdout).toMatch(/cache \(event\), every replica for itself\.\n +"price\.\*"\n/);
    const { message } = await stage.client.ask("$SRV.INFO.shop");
    expect(message.json()).toMatchObject({ endpoints: [{ name: "cache", subject: "price.*", queue_group: "" }] });
  });
});
