import { describe, expect, test } from "vitest";
import type { PermittedApp, PermittedHandler } from "../../../runtime/permissions/grant.ts";
import { type AskedGrants, type Purpose, permissionsOf } from "../../../runtime/permissions/permissions.ts";
import { serverConfig } from "../../../runtime/permissions/server-config.ts";
import { durableNameOf } from "../../../runtime/streams/durable-name.ts";

function handler(
  name: string,
  kind: "event" | "durable" | "request",
  subject: string,
  more: Partial<PermittedHandler["metadata"]> = {},
): PermittedHandler {
  return {
    name,
    metadata: {
      kind,
      subjects: [subject],
      everyReplica: false,
      singleton: false,
      timeoutMs: 30_000,
      outputs: "each",
      publishes: [],
      uses: { kv: [], objects: [] },
      ...more,
    },
  };
}

const SHOP: PermittedApp = {
  app: "shop",
  inboxPrefix: "_INBOX_shop",
  streams: [{ name: "ORDERS", subjects: ["orders.>"] }],
  handlers: [
    handler("orders/bill", "durable", "orders.*.created", { publishes: ["orders.billed", "mail.send"] }),
    handler("watch", "event", "orders.>"),
    handler("price", "request", "price", { timeoutMs: 90_000 }),
  ],
};

function permitted(purpose: Purpose, app: Partial<PermittedApp> = {}, asked: Partial<AskedGrants> = {}) {
  const permissions = permissionsOf(purpose, { ...SHOP, ...app }, { publishes: [], answers: [], ...asked });
  return {
    ...permissions,
    publish: permissions.grants.flatMap(({ publish = [] }) => publish),
    subscribe: permissions.grants.flatMap(({ subscribe = [] }) => subscribe),
  };
}

const BILL = durableNameOf("shop", "orders/bill", "orders.*.created");

describe("buckets that handlers use", () => {
  const uses = { kv: ["users"], objects: ["files"] };
  const handlers = [handler("seen", "event", "users.seen", { uses })];

  test("are read and written, and no others; objects are cleared away as well", () => {
    const { publish, grants } = permitted("serve", { handlers });
    expect(publish).toEqual(expect.arrayContaining(["$KV.users.>", "$O.files.>", "$JS.API.STREAM.PURGE.OBJ_files"]));
    expect(publish).not.toContain("$JS.API.STREAM.PURGE.KV_users");
    expect(grants.map(({ why }) => why)).toContain("The object bucket files, by the metadata of seen.");
  });

  test("are made by whoever provisions only", () => {
    expect(permitted("serve", { handlers }).publish).not.toContain("$JS.API.STREAM.CREATE.KV_users");
    expect(permitted("provision", { handlers }).publish).toContain("$JS.API.STREAM.CREATE.KV_users");
  });

  test("of what is too large for messages are there where the configuration says so", () => {
    const large = { handlers: SHOP.handlers, largeBucket: "LARGE_shop" };
    expect(permitted("serve", large).publish).toContain("$O.LARGE_shop.>");
    expect(permitted("serve").publish).not.toContain("$O.LARGE_shop.>");
    expect(permitted("provision", large).publish).toContain("$JS.API.STREAM.CREATE.OBJ_LARGE_shop");
  });

  test("of another domain are asked for there", () => {
    const { publish } = permitted("serve", { handlers, domain: "hub" });
    expect(publish).toEqual(expect.arrayContaining(["$JS.hub.API.$KV.users.>", "$JS.hub.API.STREAM.MSG.GET.KV_users"]));
  });
});

describe("to serve", () => {
  test("flow control is granted in both shapes that servers use", () => {
    expect(permitted("serve").publish).toEqual(
      expect.arrayContaining(["$JS.FC.KV_shop_handlers.>", "$JS.FC.*.*.KV_shop_handlers.>"]),
    );
  });

  test("many answers a second cost something before 2.10.24 only, and the printed block says so", () => {
    expect(serverConfig(permitted("serve"))).toContain("before 2.10.24");
  });

  test("a handler of core messages hears its subject in its own queue group, and no more", () => {
    const { subscribe, publish } = permitted("serve", { handlers: [handler("a/price", "request", "price.*")] });
    expect(subscribe.filter((subject) => subject.startsWith("price"))).toEqual(["price.* shop.a.price"]);
    expect(publish.filter((subject) => /redrive/i.test(subject))).toEqual([]);
    const acknowledged = publish.filter((subject) => /ACK/.test(subject));
    expect(acknowledged).toEqual(["$JS.ACK.LATER_shop.>", "$JS.ACK.*.*.LATER_shop.>"]);
  });

  test("a handler of a bucket's changes has its consumer of the bucket's stream, and nothing of its keys", () => {
    const keys = "$KV.users.profile.*";
    const of = (purpose: Purpose) =>
      permitted(purpose, { handlers: [handler("changed", "durable", keys, { stream: "KV_users" })] });
    const durable = durableNameOf("shop", "changed", keys);
    expect(of("serve").publish).toEqual(
      expect.arrayContaining([
        `$JS.API.CONSUMER.CREATE.KV_users.${durable}.${keys}`,
        `$JS.ACK.KV_users.${durable}.>`,
        "$JS.API.STREAM.INFO.KV_users",
      ]),
    );
    expect(of("serve").publish.filter((subject) => subject.startsWith("$KV.users"))).toEqual([]);
    expect(of("provision").publish).toContain("$JS.API.STREAM.CREATE.KV_users");
    expect(of("serve").publish).not.toContain("$JS.API.STREAM.CREATE.KV_users");
  });

  test("a durable handler has one consumer, by name and filter, under the name of before too, and acknowledges for that one alone", () => {
    const { publish, subscribe } = permitted("serve");
    expect(publish).toEqual(
      expect.arrayContaining([
        `$JS.API.CONSUMER.CREATE.ORDERS.${BILL}.orders.*.created`,
        `$JS.API.CONSUMER.MSG.NEXT.ORDERS.${BILL}`,
        `$JS.ACK.ORDERS.${BILL}.>`,
        "$JS.ACK.ORDERS.shop-orders-bill.>",
        "$JS.API.CONSUMER.CREATE.ORDERS.shop-orders-bill.orders.*.created",
        `$JS.ACK.*.*.ORDERS.${BILL}.>`,
        "dlq.shop.orders.bill",
      ]),
    );
    expect(subscribe).not.toContain("orders.*.created");
  });

  test("an app of a domain asks the JetStream of that domain, and no other", () => {
    for (const purpose of ["serve", "provision", "operate"] as const) {
      const { publish } = permitted(purpose, { domain: "hub" });
      expect(publish.filter((subject) => /^\$JS\.API|^\$KV/.test(subject))).toEqual([]);
      expect(publish).toContain("$JS.hub.API.STREAM.NAMES");
      expect(publish).toContain("$JS.hub.API.$KV.shop_handlers.>");
    }
    expect(permitted("serve", { domain: "hub" }).publish).toContain(`$JS.hub.API.CONSUMER.MSG.NEXT.ORDERS.${BILL}`);
  });

  test("a durable handler may hear of messages that have reached a max_deliver", () => {
    expect(permitted("serve").subscribe).toContain(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.ORDERS.${BILL}`);
  });

  test("no stream may be made, changed or emptied, but for the one in which versions make room for newer ones, and schedules that are taken away", () => {
    const changing = /STREAM\.(CREATE|UPDATE|DELETE|PURGE|MSG\.DELETE)/;
    const allowed = permitted("serve").publish.filter((subject) => changing.test(subject));
    expect(allowed).toEqual(["$JS.API.STREAM.MSG.DELETE.TIMETABLE_shop", "$JS.API.STREAM.PURGE.VERSIONS_shop"]);
  });

  test("what handlers publish is granted once, by their metadata and as asked", () => {
    const { publish, remarks } = permitted("serve", {}, { publishes: ["mail.send", "audit.>"] });
    const own = publish.filter((subject) => /^(orders|mail|audit)\./.test(subject));
    expect(own).toEqual(["orders.billed", "mail.send", "audit.>"]);
    expect(remarks.join("\n")).toContain("nothing granted, for watch, price");
    expect(remarks.join("\n")).toContain("Where a stream of another app takes mail.send, audit.>,");
  });

  test("a durable handler whose stream is not declared is told of, with the stream assumed", () => {
    const { publish, remarks } = permitted("serve", { streams: [] });
    expect(publish).toContain(`$JS.API.CONSUMER.MSG.NEXT.SHOP_ORDERS.${BILL}`);
    expect(remarks.join("\n")).toContain(
      'No declared stream takes "orders.*.created" of orders/bill: stream SHOP_ORDERS',
    );
  });

  test("answers are allowed for as long as the slowest handler takes, or to the inboxes named", () => {
    expect(permitted("serve").answerMs).toBe(95_000);
    const named = permitted("serve", {}, { answers: ["_INBOX.>"] });
    expect([named.answerMs, named.publish.includes("_INBOX.>")]).toEqual([undefined, true]);
  });

  test("inboxes that everybody shares are warned of", () => {
    expect(permitted("serve").remarks.join("\n")).not.toContain("hears the replies");
    const { subscribe, remarks } = permitted("serve", { inboxPrefix: undefined });
    expect(subscribe).toContain("_INBOX.>");
    expect(remarks[0]).toContain("Whoever may subscribe to _INBOX.> hears the replies to everybody else");
  });
});

test("a durable handler of which every replica has each message makes consumers of any name, with its own subject and no other", () => {
  const own = [handler("a", "durable", "orders.paid", { everyReplica: true })];
  const { publish, subscribe } = permitted("serve", { handlers: own });
  expect(publish.filter((subject) => /\.ORDERS\b/.test(subject)).sort()).toEqual([
    "$JS.ACK.*.*.ORDERS.*.>",
    "$JS.ACK.ORDERS.*.>",
    "$JS.API.CONSUMER.CREATE.ORDERS.*.orders.paid",
    "$JS.API.CONSUMER.INFO.ORDERS.*",
    "$JS.API.CONSUMER.LIST.ORDERS",
    "$JS.API.CONSUMER.MSG.NEXT.ORDERS.*",
    "$JS.API.STREAM.INFO.ORDERS",
    "$JS.API.STREAM.MSG.GET.ORDERS",
  ]);
  expect(subscribe).toContain("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.ORDERS.*");
});

test("what is known of keys and of who runs a singleton is kept by those that ask for it, each in its own subjects", () => {
  const marked = [
    handler("a", "durable", "a", { singleton: true }),
    handler("b/c", "durable", "b", { debounce: { waitMs: 1 } }),
    handler("d", "durable", "d"),
  ];
  const { publish } = permitted("serve", { handlers: marked });
  expect(publish.filter((subject) => /keys|KEYS/.test(subject))).toEqual([
    "$JS.API.STREAM.INFO.KEYS_shop",
    "$JS.API.STREAM.MSG.GET.KEYS_shop",
    "keys.shop.a.*",
    "keys.shop.b.c.*",
  ]);
  expect(permitted("provision", { handlers: marked }).publish).toContain("$JS.API.STREAM.CREATE.KEYS_shop");
  expect(permitted("provision").publish).not.toContain("$JS.API.STREAM.CREATE.KEYS_shop");
});

test("to provision is to serve, and to make the streams of the app: no others, and none is deleted", () => {
  const [serving, provisioning] = [permitted("serve").publish, permitted("provision").publish];
  expect(provisioning).toEqual(expect.arrayContaining(serving));
  expect(provisioning.filter((subject) => !serving.includes(subject)).sort()).toEqual([
    "$JS.API.STREAM.CREATE.DLQ_shop",
    "$JS.API.STREAM.CREATE.GIVEN_BACK_shop",
    "$JS.API.STREAM.CREATE.KV_shop_handlers",
    "$JS.API.STREAM.CREATE.KV_shop_once",
    "$JS.API.STREAM.CREATE.LATER_shop",
    "$JS.API.STREAM.CREATE.ORDERS",
    "$JS.API.STREAM.CREATE.REDRIVE_shop",
    "$JS.API.STREAM.CREATE.SCHEDULE_shop",
    "$JS.API.STREAM.CREATE.TIMETABLE_shop",
    "$JS.API.STREAM.CREATE.VERSIONS_shop",
    "$JS.API.STREAM.INFO.SCHEDULE_shop",
    "$JS.API.STREAM.LIST",
    "$JS.API.STREAM.UPDATE.DLQ_shop",
    "$JS.API.STREAM.UPDATE.GIVEN_BACK_shop",
    "$JS.API.STREAM.UPDATE.KV_shop_handlers",
    "$JS.API.STREAM.UPDATE.KV_shop_once",
    "$JS.API.STREAM.UPDATE.LATER_shop",
    "$JS.API.STREAM.UPDATE.ORDERS",
    "$JS.API.STREAM.UPDATE.REDRIVE_shop",
    "$JS.API.STREAM.UPDATE.SCHEDULE_shop",
    "$JS.API.STREAM.UPDATE.TIMETABLE_shop",
    "$JS.API.STREAM.UPDATE.VERSIONS_shop",
  ]);
});

test("to operate is to hear nothing but replies and what operators do to dead letters, and to send no message to a handler's subject", () => {
  const { subscribe, publish, answerMs } = permitted("operate");
  expect(subscribe).toEqual(["_INBOX_shop.>", "_HANDLERS.shop.operation", "_HANDLERS.shop.stop-operation"]);
  expect(publish.filter((subject) => /^(orders|price|mail)/.test(subject))).toEqual([]);
  expect(publish).toContain("$JS.API.STREAM.PURGE.VERSIONS_shop");
  expect(publish).toContain("$JS.API.STREAM.PURGE.REDRIVE_shop");
  expect(publish).not.toContain("versions.shop.>");
  expect(answerMs).toBeUndefined();
});

test("to compare with all that runs is to ask for it, and nothing more", () => {
  const { subscribe, publish, answerMs, remarks } = permitted("fleet");
  expect(publish).toEqual(["$SRV.PING", "_HANDLERS.*.status", "_HANDLERS.*.contract.*"]);
  expect({ subscribe, answerMs, remarks }).toEqual({ subscribe: ["_INBOX_shop.>"], answerMs: undefined, remarks: [] });
});

test("to operate is to read what is stored for handlers, in other domains too", () => {
  expect(permitted("operate").publish.filter((subject) => subject.startsWith("$JS.edge."))).toEqual([]);
  const elsewhere = [handler("far", "durable", "far.new", { domain: "edge", stream: "FAR" })];
  const { publish } = permitted("operate", { handlers: elsewhere });
  expect(publish.filter((subject) => subject.startsWith("$JS.edge."))).toEqual([
    "$JS.edge.API.STREAM.NAMES",
    "$JS.edge.API.CONSUMER.LIST.*",
    "$JS.edge.API.STREAM.INFO.FAR",
    "$JS.edge.API.STREAM.MSG.GET.FAR",
  ]);
});

test("the block for nats-server has each group under its reason, every subject quoted, and only comments beside it", () => {
  const text = serverConfig(permitted("serve", { handlers: [handler("odd", "event", 'a."b\\.>')] }));
  expect(text).toContain(
    '    # odd (event), in the queue group that its replicas share.\n    "a.\\"b\\\\.> shop.odd"\n',
  );
  expect(text).toMatch(/^# NATS permissions for `handlers start` of app "shop"/);
  expect(text).toContain('  allow_responses: { max: -1, ttl: "35s" }\n}');
  const outside = text.slice(text.lastIndexOf("\n}\n") + 3).split("\n");
  expect(outside.filter((line) => line !== "" && !line.startsWith("# "))).toEqual([]);
});

test("a handler whose outputs are stored as one may mark them, and look for the marks in the declared stream", () => {
  const atomic = [handler("orders/bill", "durable", "orders.new", { outputs: "atomic" })];
  const { publish } = permitted("serve", {
    handlers: atomic,
    streams: [{ name: "BILLS", subjects: ["bills.>", "outputs.shop.>"] }],
  });
  expect(publish).toEqual(
    expect.arrayContaining(["outputs.shop.orders.bill.*", "$JS.API.STREAM.INFO.BILLS", "$JS.API.STREAM.MSG.GET.BILLS"]),
  );
  expect(permitted("serve").publish.filter((subject) => subject.startsWith("outputs."))).toEqual([]);
});
