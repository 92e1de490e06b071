import { expect, it } from "vitest";
import { holderOf, portTaken } from "../../../runtime/dev-server/port-holder.ts";

it("a nats-server is known by its greeting, anything else is not", () => {
  const greeting = 'INFO {"server_id":"NA","version":"2.10.27","proto":1,"max_payload":1048576} \r\n';
  expect(holderOf(greeting)).toEqual({ kind: "nats-server", version: "2.10.27" });
  expect(holderOf("220 mail.example ESMTP\r\n")).toEqual({ kind: "other" });
  expect(holderOf("")).toEqual({ kind: "other" });
});

it("the line about a taken port tells where our server is, and that a client may talk to another", () => {
  const url = "nats://127.0.0.1:40001";
  expect(portTaken(4222, { kind: "nats-server", version: "2.10.27" }, url)).toBe(
    "port 4222 is taken by another nats-server (2.10.27), to which a client without a URL talks; ours is at nats://127.0.0.1:40001",
  );
  expect(portTaken(4222, { kind: "other" }, url)).toContain("another program");
  expect(portTaken(80, { kind: "nobody" }, url)).toBe(`port 80 could not be had, so our nats-server is at ${url}`);
});
