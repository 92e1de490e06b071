import { expect, it } from "vitest";
import { changeIn, copiedMark } from "../../../runtime/message/change.ts";

const USERS = { kind: "kv", bucket: "users" } as const;
const PHOTOS = { kind: "objects", bucket: "photos" } as const;
const none = () => Buffer.from("");

function ofKey(headers: Record<string, string>): string {
  return changeIn(USERS, "$KV.users.a", { get: (name) => headers[name] }, none).operation;
}

function ofObject(about: string, subject = "$O.photos.M.YQ") {
  const { key, operation } = changeIn(PHOTOS, subject, { get: () => undefined }, () => Buffer.from(about));
  return `${operation} ${key}`;
}

it("of a key is what the client says, else what the server's marker means to clients", () => {
  expect(ofKey({})).toBe("put");
  expect(ofKey({ "KV-Operation": "DEL" })).toBe("delete");
  expect(ofKey({ "KV-Operation": "PURGE" })).toBe("purge");
  expect(ofKey({ "Nats-Marker-Reason": "MaxAge" })).toBe("purge");
  expect(ofKey({ "Nats-Marker-Reason": "Purge" })).toBe("purge");
  expect(ofKey({ "Nats-Marker-Reason": "Remove" })).toBe("delete");
});

it("of a key is of the key in the subject", () => {
  expect(changeIn(USERS, "$KV.users.profile.7", { get: () => undefined }, none).key).toBe("profile.7");
});

it("of an object is in what the store says of it; what cannot be read is left to whoever decodes it", () => {
  expect([ofObject('{"name":"a"}'), ofObject('{"name":"a","deleted":true}')]).toEqual(["put a", "delete a"]);
  expect([ofObject("{"), ofObject("null")]).toEqual(["put a", "put a"]);
});

it("of an object is of the name in what the store says, as clients do not agree how it is encoded in subjects", () => {
  const latin1 = Buffer.from("größe", "latin1").toString("base64url");
  expect(ofObject('{"name":"größe"}', `$O.photos.M.${latin1}`)).toBe("put größe");
});

it("is kept in copies in the words of clients, as the server's own would act there", () => {
  expect(copiedMark("Nats-Marker-Reason", "MaxAge")).toEqual(["KV-Operation", "PURGE"]);
  expect(copiedMark("nats-marker-reason", "Remove")).toEqual(["KV-Operation", "DEL"]);
  expect(copiedMark("Nats-Rollup", "sub")).toBeUndefined();
});
