// Which text a method becomes, and for which reasons none.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../../runtime/cli/run.ts";
import { importNest } from "../../../runtime/moving/import-nest.ts";
import { fakeTerminal } from "../cli/fake-terminal.ts";

const TYPESCRIPT = fileURLToPath(new URL("../../../node_modules/typescript-5", import.meta.url));
const NEST = `import { Controller, Inject, Injectable, Logger, ParseIntPipe, UseGuards, UsePipes } from "@nestjs/common";
import { Ctx, EventPattern, MessagePattern, type NatsContext, Payload, Transport } from "@nestjs/microservices";
`;

let rootDir: string;

beforeEach(() => {
  rootDir = realpathSync(mkdtempSync(join(tmpdir(), "nats-handlers-moving-")));
  write("package.json", '{ "type": "module" }');
  mkdirSync(join(rootDir, "node_modules"));
  symlinkSync(TYPESCRIPT, join(rootDir, "node_modules/typescript"));
});

afterEach(() => rmSync(rootDir, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(rootDir, file)), { recursive: true });
  writeFileSync(join(rootDir, file), text);
}

function imported(text: string, file = "src/shop.controller.ts") {
  write(file, NEST + text);
  return importNest({
    rootDir,
    handlersDir: join(rootDir, "handlers"),
    files: [join(rootDir, file)],
    module: undefined,
  });
}

const controller = (members: string) => `@Controller()\nexport class ShopController {\n${members}\n}\n`;

/** The file that the one method becomes. */
function textOf(source: string): string {
  const { imported: methods, left } = imported(source);
  expect(left).toEqual([]);
  expect(methods).toHaveLength(1);
  return methods[0]?.text ?? "";
}

/** Why the one method is left. */
function reasonsOf(source: string): readonly string[] {
  const { imported: methods, left } = imported(source);
  expect(methods).toEqual([]);
  expect(left).toHaveLength(1);
  return left[0]?.reasons ?? [];
}

const METHOD = `@MessagePattern("shop.ask")\n  ask`;

describe("the file of a method", () => {
  it("has the method's body, comment and types, and opens Nest's packets", () => {
    const text = textOf(`import type { Item } from "./items/item.js";

interface Basket {
  items: Item[];
}

${controller(`  /**
   * How many.
   */
  @MessagePattern("shop.count")
  async count(@Payload() basket: Basket): Promise<number> {
    return basket.items.length;
  }`)}`);
    expect(text).toBe(`import type { HandlerMetadata } from "nats-handlers";
import type { Item } from "../../src/items/item.js";

interface Basket {
  items: Item[];
}

export const metadata = {
  subject: "shop.count",
  kind: "request",
  envelope: "nest",
} satisfies HandlerMetadata;

/**
 * How many.
 */
export default async function count(basket: Basket): Promise<number> {
  return basket.items.length;
}
`);
  });

  it("gets services from Nest's container in its setup, once for each process", () => {
    write("src/app.module.ts", `import { Module } from "@nestjs/common";\n@Module({})\nexport class ShopModule {}\n`);
    const { imported: methods, shared } = imported(`import { Prices } from "./prices.js";
import { Order } from "./order.js";
import { InjectRepository } from "@nestjs/typeorm";
import type { Repository } from "typeorm";
${controller(`  constructor(
    private readonly prices: Prices,
    @InjectRepository(Order) private readonly orders: Repository<Order>,
    @Inject("LIMIT") private readonly limit: number,
  ) {}

  ${METHOD}() {
    return [this.prices.all(), this.orders.count(), this.limit];
  }`)}`);
    expect(methods[0]?.text).toContain(`let prices: Prices;
let orders: Repository<Order>;
let limit: number;

export async function setup() {
  const container = await nest();
  prices = container.get(Prices, { strict: false });
  orders = container.get(getRepositoryToken(Order), { strict: false });
  limit = container.get("LIMIT", { strict: false });
}

export { closeNest as teardown } from "../_nest.js";
`);
    expect(methods[0]?.text).toContain(`import { getRepositoryToken } from "@nestjs/typeorm";`);
    expect(methods[0]?.text).toContain("return [prices.all(), orders.count(), limit];");
    expect(shared).toEqual([
      { path: join(rootDir, "handlers/_nest.ts"), text: expect.stringContaining('from "../src/app.module.js";') },
    ]);
    expect(shared[0]?.text).toContain("createApplicationContext(ShopModule,");
  });

  it.each([
    ["the whole payload", "(@Payload() a: A) { return a; }", "ask(a: A) { return a; }"],
    ["one without decorators", "(a: A) { return a; }", "ask(a: A) { return a; }"],
    ["a part of it", '(@Payload("id") id: string) { return id; }', "ask({ id }: { id: string }) { return id; }"],
    [
      "a part by another name",
      '(@Payload("a-b") id: A) { return id; }',
      'ask({ "a-b": id }: { "a-b": A }) { return id; }',
    ],
    ["a part with a default", '(@Payload("n") n = 5) { return n; }', "ask({ n = 5 }: { n?: number }) { return n; }"],
    ["one that may be missing", "(@Payload() a?: A) { return a; }", "ask(a: A | undefined) { return a; }"],
    [
      "the subject",
      "(@Ctx() c: NatsContext) { return c.getSubject(); }",
      "ask(_event: unknown, ctx: HandlerContext) { return ctx.subject; }",
    ],
    [
      "a header",
      '(@Payload() a: A, @Ctx() c: NatsContext) { return c.getHeaders().get("x"); }',
      'ask(a: A, ctx: HandlerContext) { return ctx.headers.get("x") ?? ""; }',
    ],
    [
      "a header of those that may be missing",
      '(@Ctx() c: NatsContext) { return c.getHeaders()?.get("x") || "y"; }',
      'ask(_event: unknown, ctx: HandlerContext) { return ctx.headers.get("x") || "y"; }',
    ],
    [
      "ctx beside a name of the method's own",
      "(@Ctx() c: NatsContext) { const ctx = 1; return [ctx, c.getSubject()]; }",
      "ask(_event: unknown, ctxOfHandler: HandlerContext) { const ctx = 1; return [ctx, ctxOfHandler.subject]; }",
    ],
  ])("takes %s", (_what, method, expected) => {
    const text = textOf(`type A = string;\n${controller(`  ${METHOD}${method}`)}`);
    expect(text).toContain(`export default function ${expected}\n`);
  });

  it("runs pipes as Nest would, and tells them the class of the payload", () => {
    const text = textOf(`class Order { id!: string; }
${controller(`  @UsePipes(new Trim({ deep: true }))
  ${METHOD}(@Payload() order: Order) {
    return order;
  }`)}`);
    expect(text).toContain("const trim = new Trim({ deep: true });");
    expect(text).toContain(`export default async function ask(event: unknown) {
  const order = (await trim.transform(event, { type: "body", metatype: Order })) as Order;
  return order;
}`);
  });

  it("is async where pipes are, and says so in its type", () => {
    const text = textOf(controller(`  ${METHOD}(@Payload("n", ParseIntPipe) n: number): number { return n; }`));
    expect(text).toContain(`export default async function ask(event: { n: string }): Promise<number> {
  const n = (await parseIntPipe.transform(event.n, { type: "body", metatype: Number, data: "n" })) as number;
  return n;
}`);
  });

  it("has what the method calls of the controller as functions, and its constants", () => {
    const text = textOf(`export const RATE = 2;
${controller(`  private readonly log = new Logger(ShopController.name);

  ${METHOD}(@Payload() n: number) {
    return this.twice(n);
  }

  private twice(n: number): number {
    this.log.debug("twice");
    return n > 100 ? n : this.twice(n * RATE);
  }`)}`);
    expect(text).toContain(`const log = new Logger("ShopController");`);
    expect(text).toContain("\nconst RATE = 2;");
    expect(text).toContain(`function twice(n: number): number {
  log.debug("twice");
  return n > 100 ? n : twice(n * RATE);
}`);
  });

  it("is granted the environment that the method reads", () => {
    const text = textOf(controller(`  ${METHOD}() { return process.env.SHOP_NAME; }`));
    expect(text).toContain(`  env: ["SHOP_NAME"],\n`);
  });

  it.each([
    [`"shop.a"`, `subject: "shop.a"`, "handlers/shop/a.ts"],
    [`{ cmd: "sum" }`, `subject: '{"cmd":"sum"}'`, "handlers/sum.ts"],
    [`["shop.a", "shop.b"]`, `subject: ["shop.a", "shop.b"]`, "handlers/shop/ask-it.ts"],
    [`"shop.*.a"`, `subject: "shop.*.a"`, "handlers/shop/ask-it.ts"],
    ["Topics.asked", `subject: "shop.asked"`, "handlers/shop/asked.ts"],
    [`\`\${Topics.asked}.late\``, `subject: "shop.asked.late"`, "handlers/shop/asked/late.ts"],
    ["Topic.First", `subject: "first"`, "handlers/first.ts"],
    ["all.Topics.asked", `subject: "shop.asked"`, "handlers/shop/asked.ts"],
  ])("of pattern %s has %s and lies in %s", (pattern, subject, file) => {
    write("src/index.ts", `export * from "./topics.js";`);
    write(
      "src/topics.ts",
      `export const Topics = { asked: "shop.asked" } as const; export enum Topic { First = "first" }`,
    );
    const { imported: methods, left } = imported(`import { Topic, Topics } from "./index.js";
import * as all from "./topics.js";
${controller(`  @MessagePattern(${pattern})\n  askIt() {}`)}`);
    expect(left).toEqual([]);
    expect(methods[0]?.text).toContain(`  ${subject},\n`);
    expect(methods[0]?.path).toBe(join(rootDir, file));
  });
});

describe("a method is left", () => {
  it.each([
    [
      "with a guard",
      `  @UseGuards(Admin)\n  ${METHOD}() {}`,
      "it has @UseGuards(Admin): have the handler call what that does",
    ],
    [
      "of a pattern of the run",
      `  @MessagePattern(pattern())\n  ask() {}`,
      "its pattern pattern() is known only while the app runs",
    ],
    ["of another transport", `  @MessagePattern("a", Transport.KAFKA)\n  ask() {}`, "it is bound to Transport.KAFKA"],
    [
      "of no subject",
      `  @MessagePattern("a b")\n  ask() {}`,
      expect.stringContaining('its pattern gives the subject "a b", which '),
    ],
    [
      "of patterns that overlap",
      `  @EventPattern(["a.*", "a.b"])\n  ask() {}`,
      "its patterns a.* and a.b overlap: keep the wider one",
    ],
    ["with two patterns", `  @EventPattern("b")\n  ${METHOD}() {}`, "it has more than one pattern decorator"],
    [
      "that counts",
      `  private n = 0;\n  ${METHOD}() { return this.n++; }`,
      "it uses this.n, which is a state that the controller's methods share",
    ],
    [
      "that keeps",
      `  private m = new Map();\n  ${METHOD}() { return this.m.size; }`,
      "it uses this.m, which is a state that the controller's methods share",
    ],
    ["that hands itself on", `  ${METHOD}() { return run(this); }`, "it uses `this` or `super` as a whole"],
    [
      "that hands its context on",
      `  ${METHOD}(@Ctx() c: NatsContext) { return run(c); }`,
      "it hands its NatsContext (c) on",
    ],
    [
      "that copies its headers",
      `  ${METHOD}(@Ctx() c: NatsContext) { return [...c.getHeaders()]; }`,
      "it does more with the headers than get() and has()",
    ],
    [
      "with what nobody gives",
      `  ${METHOD}(a: string, b: string) { return a + b; }`,
      "its parameter b is given by nobody",
    ],
    [
      "with a parameter of its own",
      `  ${METHOD}(@User() user: string) { return user; }`,
      "its parameter user is given by @User",
    ],
    [
      "with what cannot be seen",
      `  ${METHOD}() { return this.x; }`,
      "it uses this.x, and where that is set cannot be seen",
    ],
    [
      "without a module",
      `  constructor(private readonly s: S) {}\n  ${METHOD}() { return this.s; }`,
      "it needs s of Nest's container: name the file of the app's module with --module",
    ],
    [
      "with a pipe that Nest makes",
      `  ${METHOD}(@Payload(Own) a: string) { return a; }`,
      "its pipe Own is made by Nest, with what it needs",
    ],
  ])("%s", (_what, members, reason) => {
    const own = "@Injectable() class Own { constructor(private readonly s: string) {} }\n";
    expect(reasonsOf(own + controller(members))).toEqual([reason]);
  });

  it("with all its reasons, and where it is", () => {
    const { left } = imported(
      controller(`  @UseGuards(Admin)\n  ${METHOD}(@Ctx() c: NatsContext) {\n    return [this.x, run(c)];\n  }`),
    );
    expect(left).toEqual([
      {
        file: "src/shop.controller.ts",
        line: 7,
        method: "ShopController.ask",
        reasons: [
          "it has @UseGuards(Admin): have the handler call what that does",
          "it hands its NatsContext (c) on",
          "it uses this.x, and where that is set cannot be seen",
        ],
      },
    ]);
  });
});

describe("handlers import nest", () => {
  async function command(...args: string[]) {
    const terminal = fakeTerminal({ cwd: rootDir });
    return { code: await run(["import", "nest", ...args], terminal), out: terminal.stdout(), err: terminal.stderr() };
  }

  it("never writes over a file, whatever its ending", async () => {
    write("src/shop.controller.ts", NEST + controller(`  ${METHOD}() {}\n  @EventPattern("shop.told")\n  told() {}`));
    write("handlers/shop/ask.js", "mine");
    const { code, out } = await command("src/shop.controller.ts");
    expect(code).toBe(1);
    expect(out).toContain("✗ ShopController.ask (src/shop.controller.ts:6)\n    handlers/shop/ask.ts is there already");
    expect(out).toContain("wrote 1 of 2 methods as handlers");
    expect(existsSync(join(rootDir, "handlers/shop/ask.ts"))).toBe(false);
    expect(readFileSync(join(rootDir, "handlers/shop/told.ts"), "utf8")).toContain(`subject: "shop.told"`);
    expect((await command("src/shop.controller.ts")).out).toContain("wrote 0 of 2 methods");
  });

  it("writes nothing with --dry-run, and says all as JSON", async () => {
    write(
      "src/shop.controller.ts",
      NEST + controller(`  ${METHOD}() {}\n  @EventPattern("shop.ask")\n  told() {}\n  onModuleInit() {}`),
    );
    const { code, out } = await command("src/shop.controller.ts", "--dry-run", "--json");
    expect(code).toBe(0);
    const place = (method: string, line: number) => ({
      method: `ShopController.${method}`,
      file: "src/shop.controller.ts",
      line,
    });
    expect(JSON.parse(out)).toEqual({
      imported: [
        { ...place("ask", 6), subjects: ["shop.ask"], notes: [], handler: "handlers/shop/ask.ts" },
        { ...place("told", 8), subjects: ["shop.ask"], notes: [], handler: "handlers/shop/told.ts" },
      ],
      left: [],
      shared: [],
      hooks: [place("onModuleInit", 9)],
    });
    expect(existsSync(join(rootDir, "handlers"))).toBe(false);
  });

  it.each([
    ["without a controller", "export const a = 1;", "src/shop.controller.ts has no class with @Controller()"],
    ["that is not there", undefined, "src/shop.controller.ts cannot be read: ENOENT"],
  ])("refuses a file %s", async (_what, text, message) => {
    if (text !== undefined) write("src/shop.controller.ts", text);
    const { code, err } = await command("src/shop.controller.ts");
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it("says what to install where the project has no TypeScript that reads for others", async () => {
    write("src/shop.controller.ts", NEST + controller(`  ${METHOD}() {}`));
    rmSync(join(rootDir, "node_modules/typescript"));
    const without = await command("src/shop.controller.ts");
    expect(without.err).toContain("the project's own package typescript, which is not installed");
    write("node_modules/typescript/index.js", `exports.version = "7.0.2";`);
    const native = await command("src/shop.controller.ts");
    expect(native.err).toContain("which is 7.0.2, which cannot be used for that");
    expect(native.err).toContain("npm install -D typescript@5");
    expect([without.code, native.code]).toEqual([2, 2]);
  });
});

describe("what a handler's file cannot say for itself", () => {
  const asking = (service: string, options = "") => `import { ${service} } from "./services.js";
@Controller()
export class ShopController {
  constructor(private readonly service: ${service}) {}
  @MessagePattern("shop.ask"${options})
  ask() { return this.service.answer(); }
}
`;
  const services = (text: string) => {
    write("src/app.module.ts", `import { Module } from "@nestjs/common";\n@Module({})\nexport class AppModule {}\n`);
    write("src/services.ts", `import { Inject, Injectable, Scope } from "@nestjs/common";\n${text}`);
  };
  const notesOf = (source: string) => {
    const { imported: methods, left } = imported(source);
    expect(left).toEqual([]);
    return methods[0]?.notes;
  };

  it("is told: the queue of the pattern, and settings that services read, also those behind them", () => {
    services(`import { ConfigService } from "@nestjs/config";
@Injectable() class Rates { of() { return process.env.RATES_URL ?? process.env["RATES_KEY"]; } }
@Injectable() export class Plain { answer() { return 1; } }
@Injectable() export class Prices {
  constructor(private readonly rates: Rates, private readonly config: ConfigService) {}
  answer() { return this.rates.of(); }
}`);
    expect(notesOf(asking("Plain"))).toEqual([]);
    expect(notesOf(asking("Prices", ', { queue: "askers" }').replace("shop.ask", "shop.price"))).toEqual([
      expect.stringMatching(/^its queue "askers" is not taken over: .*`handlers describe`/),
      "Rates reads RATES_URL, RATES_KEY of process.env: name them in `env`",
      expect.stringMatching(/^its services read settings by ConfigService: .* in `env`/),
    ]);
  });

  it("a service that is made anew for each message, or needs one that is, is no service of a handler", () => {
    services(`import { REQUEST } from "@nestjs/core";
@Injectable({ scope: Scope.DEFAULT }) export class Fine { answer() { return 1; } }
@Injectable({ scope: Scope.REQUEST }) export class Scoped { answer() { return 1; } }
@Injectable() class Tenant { constructor(@Inject(REQUEST) private readonly request: unknown) {} }
@Injectable() export class Behind { constructor(private readonly tenant: Tenant) {} answer() { return this.tenant; } }`);
    expect(notesOf(asking("Fine"))).toEqual([]);
    const reason = (service: string) => reasonsOf(asking(service).replace("shop.ask", `shop.${service}`));
    expect(reason("Scoped")).toEqual([expect.stringMatching(/^Scoped is made anew for each message \(scope\), and/)]);
    expect(reason("Behind")).toEqual([
      expect.stringMatching(/^Behind is made anew for each message, as it needs REQUEST \(scope\), and/),
    ]);
  });
});
