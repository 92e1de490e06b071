// The page over HTTP: who is let in (guard.ts), the routes (routes.ts), the live stream, and the page itself for every
// other address, which the browser reads.

import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE } from "hono/streaming";
import { type ErrorCode, RuntimeError, toRuntimeError } from "../errors.ts";
import { visible } from "../terminal/visible.ts";
import type { Refusal } from "./answers.ts";
import type { Assets } from "./asset-files.ts";
import type { Collector } from "./collector.ts";
import { type Gate, judge } from "./guard.ts";
import type { LiveTabs } from "./live.ts";
import { ACTION_ROUTES, type ActionRoute, READS, type ReadRoute, type Room } from "./routes.ts";

export interface HttpAppOptions extends Room {
  readonly collector: Collector;
  readonly tabs: LiveTabs;
  readonly assets: Assets;
  readonly gate: Gate;
  /** The address that a request came from. */
  readonly addressOf: (context: Context) => string;
}

const MAX_BODY_BYTES = 2 * 1024 ** 2;
const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};
const STATUS_OF: Readonly<Partial<Record<ErrorCode, 400 | 403 | 404 | 503>>> = {
  USAGE: 400,
  HANDLER_NOT_FOUND: 404,
  NATS_REFUSED: 403,
  NATS_UNREACHABLE: 503,
  QUEUE_FULL: 503,
};

export function httpApp(options: HttpAppOptions): Hono {
  const { gate, tabs, assets } = options;
  const app = new Hono();
  app.use(async (context, next) => {
    for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
    const { method, path } = context.req;
    const verdict = judge({ method, path, header: (name) => context.req.header(name) }, gate);
    if (verdict.ok) return next();
    return context.json(refusal(new RuntimeError("USAGE", verdict.why)), verdict.status);
  });
  app.onError((error, context) => {
    const told = toRuntimeError(error, `the answer to ${context.req.path} could not be made`);
    return context.json(refusal(told), STATUS_OF[told.code] ?? 502);
  });
  for (const route of READS) app.get(route.path, (context) => answerRead(context, route, options));
  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: (context) => context.json(refusal(new RuntimeError("USAGE", "the body is too large")), 413),
  });
  for (const route of ACTION_ROUTES) app.post(route.path, limit, (context) => answerAction(context, route, options));
  app.get("/api/live", (context) => {
    tabs.assertRoom();
    const live = streamSSE(context, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const said = (name: string) => context.req.query(name) || undefined;
      const messages =
        said("messages") === undefined
          ? undefined
          : { handler: said("of"), outcome: said("outcome"), words: said("words") };
      const send = (event: string, data: string) => stream.writeSSE({ event, data });
      await tabs.serve({ handler: said("handler"), messages, way: said("way"), send, gone: gone.signal });
    });
    // Of a stream that a view leaves just as it begins, Chromium reads on for five seconds to use the connection again, and it has
    // six of them: a quick walk through the views would stand still. One that is closed anyway it lets go at once.
    live.headers.set("Connection", "close");
    return live;
  });
  app.all("/api/*", (context) =>
    context.json(refusal(new RuntimeError("USAGE", "there is nothing under that address")), 404),
  );
  app.get("/assets/app.js", (context) =>
    context.body(assets.js, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );
  app.get("/assets/app.css", (context) => context.body(assets.css, 200, { "Content-Type": "text/css; charset=utf-8" }));
  app.get("/assets/icon.svg", (context) => context.body(assets.icon, 200, { "Content-Type": "image/svg+xml" }));
  app.get("/assets/*", (context) => context.notFound());
  app.get("*", (context) => context.html(assets.html));
  return app;
}

async function answerRead(context: Context, route: ReadRoute, room: Room) {
  const answer = await route.read(room, (name) => context.req.query(name));
  if (answer !== undefined) return context.json(answer as object);
  return context.json(refusal(new RuntimeError("USAGE", "it is not there: it was removed, or never was")), 404);
}

async function answerAction(context: Context, { path, needs, body, about, act }: ActionRoute, options: HttpAppOptions) {
  const { desk, collector, addressOf } = options;
  if (!needs.some((action) => desk.rights.has(action))) {
    const remedy = "`handlers ui` was started with --read-only or --allow.";
    return context.json(
      refusal(new RuntimeError("NATS_REFUSED", `${needs.join(" or ")} is not allowed from here`, { remedy })),
      403,
    );
  }
  const read = body.safeParse(await context.req.json().catch(() => undefined));
  if (!read.success) {
    const issues = read.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`).join("; ");
    return context.json(refusal(new RuntimeError("USAGE", `this cannot be read: ${issues}`)), 400);
  }
  const from = addressOf(context);
  const what = oneLine(`${path.replace("/api/", "")} ${about(read.data as never)}`);
  try {
    const result = await act(options, read.data as never, `${desk.operator} (page)`);
    desk.tell(`${what} · ${desk.operator} from ${from}`);
    return context.json((result ?? {}) as object);
  } catch (error) {
    const { code, message } = toRuntimeError(error, what);
    desk.tell(`${what} · ${desk.operator} from ${from} · failed: ${code}: ${oneLine(message)}`);
    throw error;
  } finally {
    collector.soon();
  }
}

/** A line of the log is one line, whatever was typed. */
function oneLine(text: string): string {
  return visible(text.replace(/\s+/g, " "));
}

function refusal({ code, message, remedy }: RuntimeError): Refusal {
  return { error: { code, message, remedy } };
}
