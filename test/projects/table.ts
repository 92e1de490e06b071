// The projects, and what their handlers answer. Each has its folder here.

import type { Manager } from "./laid-out.ts";

export interface Project {
  readonly name: string;
  readonly manager?: Manager;
  /** Has a package that is compiled when it is installed. */
  readonly compiled?: true;
  /** Its packages are installed in seconds. */
  readonly small?: true;
  /** Subject below the project's name, what is sent, and what comes back. */
  readonly asks: readonly (readonly [handler: string, send: unknown, expected: unknown])[];
}

/** Stands for the port of a server that is started first. */
export const POSTGRES = Symbol("postgres");

const WORKSPACE: Project["asks"] = [["total", { cents: 250 }, ["order: 2.50 EUR", "2.50 EUR", "<p>Dear Ada</p>"]]];

export const PROJECTS: readonly Project[] = [
  {
    name: "better-sqlite3",
    compiled: true,
    asks: [
      ["rows", 0, { n: 2 }],
      ["alias", 0, { n: 2 }],
    ],
  },
  { name: "sharp", asks: [["resize", 0, { from: [8, 4], to: [4, 2] }]] },
  { name: "knex", asks: [["rows", 0, [{ n: 1 }]]] },
  { name: "sequelize", asks: [["query", 0, ["postgres", "Users", "SequelizeConnectionRefusedError"]]] },
  { name: "typeorm", asks: [["users", 0, ["Ada"]]] },
  { name: "nest", asks: [["total", 0, 7]] },
  { name: "pino", small: true, asks: [["log", 0, "INFO: hello from a transport"]] },
  { name: "piscina", small: true, asks: [["square", 7, 49]] },
  {
    name: "worker-thread",
    small: true,
    asks: [["ask", 0, ["from a worker", "from a worker, later", "good morning", "<p>a letter</p>"]]],
  },
  { name: "otel-pg", small: true, asks: [["query", POSTGRES, { rows: [{ n: 1 }], spans: ["pg.connect"] }]] },
  { name: "npm-workspace", small: true, manager: "npm workspace", asks: WORKSPACE },
  { name: "pnpm-workspace", small: true, manager: "pnpm workspace", asks: WORKSPACE },
  { name: "effect", asks: [["sum", [1, 2, 3], 6]] },
  {
    name: "schemas",
    small: true,
    asks: [
      ["valibot", { n: 4 }, 4],
      ["valibot", { n: 2 }, 400],
      ["arktype", { n: 4 }, 4],
      ["arktype", { n: 2 }, 400],
      ["zods", { n: 4 }, [4, false, true]],
      ["zods", { n: 2 }, 400],
    ],
  },
  {
    name: "clients",
    asks: [
      ["mongodb", 0, ["MongoServerSelectionError", "0123456789abcdef01234567"]],
      ["stripe", 0, "StripeConnectionError"],
      ["s3", 0, "ECONNREFUSED"],
      ["redis", 0, "Connection is closed."],
      ["mysql", 0, "ECONNREFUSED"],
    ],
  },
  {
    name: "queries",
    asks: [
      ["drizzle", 0, { n: 3 }],
      ["kysely", 0, [{ n: 4 }]],
      ["graphql", 0, { hello: "world" }],
    ],
  },
  {
    name: "texts",
    asks: [
      ["handlebars", "Ada", "Dear Ada"],
      ["express", "Ada", "Dear Ada"],
      ["jsdom", "Ada", ["Ada", "block"]],
      ["winston", "Ada", ["info: Ada"]],
      ["protobuf", "Ada", { name: "Ada" }],
    ],
  },
  { name: "grpc", small: true, asks: [["total", [250, 50], 300]] },
  { name: "react", small: true, asks: [["letter", "Ada", "<p>Dear <b>Ada</b></p>"]] },
  {
    name: "commonjs",
    small: true,
    asks: [
      ["js", "good morning", ["Good morning", "lib", 1970, "string"]],
      ["cjs", "Ada", "Dear Ada"],
      ["ts", "good morning", ["good-morning", "lib", 1970]],
      ["cts", "good morning", "goodMorning"],
    ],
  },
  {
    name: "validation",
    asks: [
      ["order", { to: "ada@example.com", items: [{ count: 2 }, { count: 3 }] }, 5],
      ["order", { to: "Ada", items: [{ count: 0 }] }, ["to", "items"]],
    ],
  },
  {
    name: "documents",
    asks: [
      ["pdf", "Ada", "%PDF-"],
      ["translated", "Ada", ["Liebe Ada", "Sonntag, 1. März"]],
    ],
  },
  {
    name: "compiled-code",
    asks: [
      ["rows", 0, [[1]]],
      ["hash", "secret", [true, true, false]],
    ],
  },
  {
    name: "http-clients",
    asks: [
      ["axios", 0, "/axios"],
      ["undici", 0, "/undici"],
      ["got", 0, "/got"],
      ["openai", 0, "/models"],
      ["mail", "ada@example.com", "ada@example.com"],
    ],
  },
  {
    name: "mongoose",
    asks: [
      ["order", 250, "valid"],
      ["order", 0, ["cents"]],
    ],
  },
];
