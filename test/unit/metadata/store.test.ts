import { describe, expect, it } from "vitest";
import { describeError } from "../../../runtime/errors.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";
import { keyOfChange, storeOfSubject, streamOfStore, subjectOfChange } from "../../../runtime/metadata/store.ts";
import { DEFAULTS } from "../../support/handler-defaults.ts";

const WHERE = { handler: "users/changed", file: "handlers/users/changed.ts" };

function taken(raw: object, defaults = DEFAULTS) {
  const parsed = parseMetadata({ kind: "durable", ...raw }, defaults, WHERE);
  if (!parsed.ok) throw parsed.error;
  const { subjects, stream, store, envelope } = parsed.metadata;
  return { subjects, stream, store, envelope };
}

function refusal(raw: object): string {
  const parsed = parseMetadata({ kind: "durable", ...raw }, DEFAULTS, WHERE);
  if (parsed.ok) throw new Error("the metadata was accepted");
  return describeError(parsed.error);
}

describe("a handler of a bucket", () => {
  it("takes keys from the bucket's stream", () => {
    expect(taken({ kv: "users", subject: "profile.*" })).toEqual({
      subjects: ["$KV.users.profile.*"],
      stream: "KV_users",
      store: { kind: "kv", bucket: "users" },
      envelope: "none",
    });
    expect(taken({ kv: "users", subject: ">" }).subjects).toEqual(["$KV.users.>"]);
    expect(taken({ kv: "users", subject: ["a/b=c", "x.*"] }).subjects).toEqual(["$KV.users.a/b=c", "$KV.users.x.*"]);
  });

  it("takes what is told of objects, of all of them", () => {
    expect(taken({ objects: "photos" })).toEqual({
      subjects: ["$O.photos.M.>"],
      stream: "OBJ_photos",
      store: { kind: "objects", bucket: "photos" },
      envelope: "none",
    });
  });

  it("has its own envelope, none, whatever the defaults say", () => {
    expect(taken({ kv: "users", subject: ">" }, { ...DEFAULTS, envelope: "nest" }).envelope).toBe("none");
  });

  it.each([
    [{ kv: "users" }, "metadata.subject is missing: say which keys to take"],
    [{ kv: "us.ers", subject: ">" }, 'metadata.kv names a bucket, and must be letters, digits, "_" or "-"'],
    [{ kv: "users", subject: "a b" }, 'metadata.subject must be a key such as "profile.7"'],
    [{ kv: "users", subject: "a.>.b" }, 'metadata.subject must be a key such as "profile.7"'],
    [{ kv: "users", subject: "a..b" }, 'metadata.subject must be a key such as "profile.7"'],
    [{ kv: "users", subject: ["a.*", "a.b"] }, 'lists "a.*" and "a.b", which overlap'],
    [
      { kv: "users", subject: ">", kind: "event" },
      'metadata.kv is for handlers of kind "durable" only; this one is "event"',
    ],
    [{ objects: "photos", kind: "request" }, 'metadata.objects is for handlers of kind "durable" only'],
    [{ kv: "users", subject: ">", objects: "photos" }, "metadata.objects cannot stand beside `kv`"],
    [{ kv: "users", subject: ">", stream: "KV_users" }, "metadata.stream cannot stand beside `kv`"],
    [{ kv: "users", subject: "a", schedule: { every: "5m" } }, "metadata.schedule cannot stand beside `kv`"],
    [{ kv: "users", subject: "a", envelope: "nest" }, 'metadata.envelope cannot be "nest" beside `kv`'],
    [
      { objects: "photos", subject: "a" },
      "metadata.subject cannot stand beside `objects`: names of objects are encoded",
    ],
    [{ kv: "users", subject: "a.*", orderBy: { wildcard: 0 } }, "metadata.orderBy cannot stand beside `kv`"],
    [{ objects: "photos", payload: "bytes" }, "metadata.payload cannot stand beside `objects`"],
  ])("is refused as %j", (raw, message) => {
    expect(refusal(raw)).toContain(message);
  });
});

describe("the names of a bucket", () => {
  const users = { kind: "kv", bucket: "users" } as const;
  const photos = { kind: "objects", bucket: "photos" } as const;

  it("are those of its stream and of what changes in it, back and forth", () => {
    expect([streamOfStore(users), streamOfStore(photos)]).toEqual(["KV_users", "OBJ_photos"]);
    expect(subjectOfChange(users, "profile.7")).toBe("$KV.users.profile.7");
    expect(subjectOfChange(photos, "a b.png")).toBe("$O.photos.M.YSBiLnBuZw");
    for (const [store, key] of [
      [users, "profile.7"],
      [photos, "größe.png"],
    ] as const)
      expect(keyOfChange(store, subjectOfChange(store, key))).toBe(key);
  });

  it("are seen in subjects, and in no others", () => {
    expect(storeOfSubject("$KV.users.a.*")).toEqual(users);
    expect(storeOfSubject("$O.photos.M.>")).toEqual(photos);
    expect([storeOfSubject("users.a"), storeOfSubject("$JS.API.INFO"), storeOfSubject("$KV.")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
