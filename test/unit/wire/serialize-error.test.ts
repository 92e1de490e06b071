import { expect, test } from "vitest";
import { serializeError } from "../../../runtime/wire/serialize-error.ts";

test.each(["name", "message", "stack", "code", "cause"])("an error whose %s throws is told without it", (key) => {
  const error = new Error("no card");
  Object.defineProperty(error, key, {
    get() {
      throw new Error("not for you");
    },
  });
  const told = serializeError(error);
  expect(told).toMatchObject({ name: expect.any(String), message: expect.any(String), stack: expect.any(String) });
  expect(told.message).toBe(key === "message" ? "(cannot be read)" : "no card");
  expect(told).not.toHaveProperty("code");
});

test("a Proxy that throws at every touch is told as something thrown", () => {
  const refuse = () => {
    throw new Error("hands off");
  };
  for (const trap of ["get", "getPrototypeOf", "has", "ownKeys"] as const) {
    const told = serializeError(new Proxy(new Error("inside"), { [trap]: refuse }));
    expect(told.message, trap).toEqual(expect.any(String));
  }
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(serializeError(proxy).message).toBe("threw something that cannot be read, which is not an Error");
});

test("what is no error is shown", () => {
  expect(serializeError(4n).message).toBe("threw 4n, which is not an Error");
  expect(serializeError("x".repeat(1_000)).message.length).toBeLessThan(300);
  expect(serializeError(Symbol("s")).message).toBe("threw Symbol(s), which is not an Error");
});

test("frames of the worker's own program are left out of a stack", () => {
  const error = new Error("no");
  error.stack =
    "Error: no\n    at save (/app/handlers/save.ts:1:1)\n    at call (/x/dist/runtime/worker/run-once.js:9:9)";
  expect(serializeError(error).stack).toBe("Error: no\n    at save (/app/handlers/save.ts:1:1)");
});
