import type { NatsConnection } from "@nats-io/transport-node";
import { errors } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import type { StoreCall } from "../../../runtime/message/store-call.ts";
import { bucketsOf } from "../../../runtime/stores/bucket-streams.ts";
import { noBucket, refusalOf } from "../../../runtime/stores/store-refusals.ts";
import { Stores } from "../../../runtime/stores/stores.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const GET: StoreCall = {
  store: "kv",
  operation: "get",
  bucket: "users",
  key: "ann",
  id: "m",
  handler: "seen",
  value: new Uint8Array(0),
  timeoutMs: 2_000,
};

test("without a connection a call waits as long as it may, and says that nothing was sent", async () => {
  const waited: number[] = [];
  const state = {
    async up(limitMs: number) {
      waited.push(limitMs);
      return false;
    },
  };
  const connection = {} as NatsConnection;
  const stores = new Stores({
    connection,
    state,
    app: "shop",
    provision: true,
    copies: 1,
    clock: fakeClock(),
    emit: () => {},
  });
  const message = 'kv get "ann" in bucket "users": not connected to NATS; nothing was sent';
  expect(await stores.call(GET)).toEqual({ ok: false, code: 503, message });
  await stores.call({ ...GET, timeoutMs: 60_000 });
  expect(waited).toEqual([2_000, 5_000]);
});

test("a value that no server would take is not sent", async () => {
  const connection = { info: { max_payload: 10 } } as NatsConnection;
  const state = { up: async () => true };
  const stores = new Stores({
    connection,
    state,
    app: "shop",
    provision: true,
    copies: 1,
    clock: fakeClock(),
    emit: () => {},
  });
  expect(await stores.call({ ...GET, operation: "put", value: new Uint8Array(11) })).toMatchObject({ code: 413 });
});

test("a right that is missing is named", () => {
  const denied = new errors.PermissionViolationError("no", "publish", "$KV.users.ann");
  expect(refusalOf(GET, denied)).toMatchObject({
    code: 403,
    message: expect.stringContaining('may not publish to "$KV.users.ann"; `handlers permissions` prints'),
  });
});

test("no answer of JetStream is not the message's fault", () => {
  expect(refusalOf(GET, new errors.NoRespondersError("$KV.users.ann"))).toMatchObject({ code: 507 });
  expect(refusalOf(GET, new errors.TimeoutError())).toMatchObject({ code: 507 });
});

test("a bucket that is not there is said with the command that makes it", () => {
  const files: StoreCall = { ...GET, store: "objects", operation: "list", bucket: "files", key: "" };
  expect(noBucket(files)).toMatchObject({
    code: 404,
    message: expect.stringMatching(/^object list in bucket "files": .*OBJ_files.*`nats object add files`/),
  });
});

test("a bucket that several handlers use is one", () => {
  const uses = [
    { kv: ["a", "b"], objects: [] },
    { kv: ["b"], objects: ["b"] },
  ];
  expect(bucketsOf(uses).map(({ store, bucket }) => `${store} ${bucket}`)).toEqual(["kv a", "kv b", "objects b"]);
});
