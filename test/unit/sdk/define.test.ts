import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineConfig } from "../../../sdk/define-config.ts";
import { defineEvent } from "../../../sdk/define-event.ts";
import { defineHandler } from "../../../sdk/define-handler.ts";
import { defineRequest } from "../../../sdk/define-request.ts";

describe("defineEvent", () => {
  test("gives a plain object, ready to be spread into metadata", () => {
    const schema = z.object({ id: z.string() });
    expect({ ...defineEvent("todo.newitem", schema), kind: "durable" }).toEqual({
      subject: "todo.newitem",
      schema,
      kind: "durable",
    });
  });

  test("an event may have wildcards", () => {
    expect(defineEvent("todo.*.>", z.unknown()).subject).toBe("todo.*.>");
  });

  test("a subject no handler may take is refused with the subject quoted", () => {
    expect(() => defineEvent("todo..new", z.unknown())).toThrow(
      new TypeError(
        'defineEvent: the subject must not have an empty token (a dot at an end, or two together); received "todo..new"',
      ),
    );
    // As from JavaScript, where no compiler looks.
    expect(() => defineEvent(undefined as never, z.unknown())).toThrow("must be a string; received undefined");
  });

  test("something that is no Standard Schema is refused", () => {
    expect(() => defineEvent("todo.new", { type: "object" } as never)).toThrow("must be a Standard Schema");
    expect(() => defineEvent("todo.new", undefined as never)).toThrow(TypeError);
  });
});

test("defineRequest ties a subject to two schemas, and refuses what is none", () => {
  const [asked, reply] = [z.object({ item: z.string() }), z.object({ cents: z.int() })];
  expect(defineRequest("shop.price", asked, reply)).toEqual({ subject: "shop.price", schema: asked, reply });
  expect(() => defineRequest("shop.price", asked, undefined as never)).toThrow(
    'defineRequest("shop.price"): the third argument must be a Standard Schema of the reply',
  );
});

test("defineHandler gives back the function itself", () => {
  const handle = async () => "saved";
  expect(defineHandler({ subject: "todo.new" }, handle)).toBe(handle);
});

test("defineConfig gives back the object itself", () => {
  const config = { app: "todo" };
  expect(defineConfig(config)).toBe(config);
});
