import { describe, expect, it } from "vitest";
import { handlerDefaults } from "../../../runtime/config/defaults.ts";
import { parseMetadata } from "../../../runtime/metadata/parse.ts";

const WHERE = { handler: "h", file: "handlers/h.ts" };
const parse = (more: object) =>
  parseMetadata({ subject: "shop.*.*", kind: "durable", ...more }, { ...handlerDefaults, workers: 2 }, WHERE);

const refused = (more: object) => {
  const parsed = parse(more);
  return parsed.ok ? "" : parsed.error.message;
};

describe("orderBy: { header } or { field }", () => {
  it.each([{ header: "tenant" }, { field: "tenant.id" }])("%j is an order over all replicas", (key) => {
    const fleetOrder = { ...key, partitions: 8 };
    expect(parse({ orderBy: key })).toMatchObject({ ok: true, metadata: { ordered: false, fleetOrder } });
    expect(parse({ orderBy: { ...key, partitions: 3 } })).toMatchObject({
      metadata: { fleetOrder: { ...key, partitions: 3 } },
    });
  });
});

describe("orderBy: { wildcard }", () => {
  it("orders over the fleet by 8 partitions, with as many workers as the defaults say", () => {
    const parsed = parse({ orderBy: { wildcard: 1 } });
    expect(parsed).toMatchObject({
      ok: true,
      metadata: { ordered: false, workers: 2, fleetOrder: { wildcard: 1, partitions: 8 } },
    });
  });

  it.each([
    [
      { orderBy: { wildcard: 2 } },
      /orderBy\.wildcard must be the number, from 0 on, of a "\*".*has 0 to 1, received 2/,
    ],
    [{ orderBy: {} }, /orderBy must be one of \{ wildcard: 0 \}.*received \{\}/],
    [{ orderBy: { partitions: 4 } }, /orderBy must be one of \{ wildcard: 0 \}/],
    [{ orderBy: { wildcard: 0, header: "tenant" } }, /orderBy must be one of \{ wildcard: 0 \}/],
    [{ orderBy: { header: "a b" } }, /orderBy has a header that must be the name of a header/],
    [{ payload: "bytes", orderBy: { field: "a" } }, /orderBy can be a field of JSON only, and payload is "bytes"/],
    [{ subject: ["a.*", "b.*"], orderBy: { header: "a" } }, /orderBy orders one subject, and there are several/],
    [{ orderBy: { wildcard: 0, partitons: 3 } }, /orderBy\.partitons is not an option\. Did you mean "?partitions/],
    [{ orderBy: { wildcard: 0, partitions: 65 } }, /orderBy\.partitions must be a whole number from 1 to 64/],
    [
      { orderBy: "key" },
      /orderBy must be a function of the event that gives a key, or \{ wildcard: 0, partitions: 8 \}/,
    ],
    [{ subject: "shop.new", orderBy: { wildcard: 0 } }, /"shop\.new" has no "\*"/],
    [{ subject: ["a.*", "b.*"], orderBy: { wildcard: 0 } }, /orderBy orders one subject, and there are several/],
    [{ domain: "hub", orderBy: { wildcard: 0 } }, /orderBy cannot be kept for a stream of another domain/],
    [{ concurrency: "one", orderBy: { wildcard: 0 } }, /orderBy is not needed beside concurrency "one"/],
    [{ batch: { size: 2 }, orderBy: { wildcard: 0 } }, /batch cannot be kept beside orderBy/],
    [{ kind: "event", orderBy: { wildcard: 0 } }, /orderBy is for handlers of kind "durable" only/],
  ])("%j is refused", (more, why) => {
    expect(refused(more)).toMatch(why);
  });
});
