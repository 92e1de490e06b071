import { JetStreamApiError } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import { lowered, type Wish, withinLimits } from "../../../runtime/streams/within-limits.ts";

const MIB = 1024 ** 2;
const WISH: Wish = { max_bytes: 64 * MIB, num_replicas: 3, duplicate_window: 3_600e9 };

function refusal(err_code: number, description = ""): JetStreamApiError {
  return new JetStreamApiError({ code: 400, err_code, description });
}

describe("a stream that is made within the limits there are", () => {
  it("asks for fewer bytes where there is no room, and for fewer copies when no bytes are few enough", async () => {
    const asked: Wish[] = [];
    const made = await withinLimits(WISH, async (granted) => {
      asked.push(granted);
      if (granted.num_replicas === 3) throw refusal(10047);
      return granted;
    });
    expect(asked.map(({ max_bytes = 0, num_replicas }) => [max_bytes / MIB, num_replicas])).toEqual([
      [64, 3],
      [16, 3],
      [4, 3],
      [1, 3],
      [64, 1],
    ]);
    expect(made).toMatchObject({ duplicate_window: 3_600e9 });
  });

  it.each([
    [5, 3],
    [3, 1],
    [2, 1],
  ])("of %i copies that no cluster can hold it goes down to %i", (before, after) => {
    const asked = { ...WISH, num_replicas: before };
    expect(lowered(asked, asked, refusal(10074))).toEqual({ ...WISH, num_replicas: after });
  });

  it.each([
    ["duplicates window can not be larger then server limit of 2m0s", 120e9],
    ["duplicates window can not be larger then server limit of 1h2m3.5s", undefined],
    ["duplicates window can not be larger then server limit of 500ms", 0.5e9],
    ["some other wording", undefined],
  ])("remembers ids for as long as the server says: %s", (said, windowNs) => {
    expect(lowered(WISH, WISH, refusal(10052, said))?.duplicate_window).toBe(windowNs);
  });

  it("is refused for what cannot be lowered, and for what is stated", () => {
    expect(lowered({}, {}, refusal(10047))).toBeUndefined();
    expect(lowered({ num_replicas: 1 }, WISH, refusal(10074))).toBeUndefined();
    expect(lowered({}, {}, refusal(10052, "server limit of 2m0s"))).toBeUndefined();
    expect(lowered(WISH, WISH, refusal(10065))).toBeUndefined();
    expect(lowered(WISH, WISH, new Error("no answer"))).toBeUndefined();
  });
});
