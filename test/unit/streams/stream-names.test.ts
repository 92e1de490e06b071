import { JetStreamApiError } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { streamsTaking } from "../../../runtime/streams/stream-names.ts";

function answering(answer: unknown): NatsConnection {
  const reply = { json: () => answer } as Msg;
  return { request: async () => reply } as Partial<NatsConnection> as NatsConnection;
}

test("that there are no streams is said as none, or as null", async () => {
  expect(await streamsTaking(answering({ streams: ["TODO"] }), "todo.>")).toEqual(["TODO"]);
  expect(await streamsTaking(answering({ streams: null }), "todo.>")).toEqual([]);
  expect(await streamsTaking(answering({}), "todo.>")).toEqual([]);
});

test("what JetStream answers instead keeps its number, by which it is known whether to try again", async () => {
  const error = { code: 503, err_code: 10_008, description: "JetStream system temporarily unavailable" };
  const asked = streamsTaking(answering({ error }), "todo.>");
  await expect(asked).rejects.toBeInstanceOf(JetStreamApiError);
  await expect(asked).rejects.toMatchObject({ code: 10_008, message: error.description });
});
