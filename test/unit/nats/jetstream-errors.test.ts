import { JetStreamApiError } from "@nats-io/jetstream";
import { errors, type NatsConnection } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { jetStreamError } from "../../../runtime/nats/jetstream-errors.ts";

const connection = { info: { jetstream: true } } as unknown as NatsConnection;

function translated(error: Error) {
  return jetStreamError(error, { connection, code: "STREAM_REFUSED", doing: 'stream "TODO" could not be created' });
}

test.each([
  [10_004, "not all servers of JetStream have answered"],
  [10_008, "JetStream has no leader"],
  [10_009, "JetStream has no leader"],
  [10_118, "the server that keeps the stream is away"],
  [10_119, "the server that keeps the consumer is away"],
])("what a cluster says while servers are away (%i) may be tried again", (code, what) => {
  const error = new JetStreamApiError({ code: 503, err_code: code, description: "temporarily unavailable" });
  expect(translated(error)).toMatchObject({
    code: "NATS_UNREACHABLE",
    message: `stream "TODO" could not be created: ${what}`,
  });
});

test("so is one that nobody answers for", () => {
  const { code, message } = translated(new errors.NoRespondersError("$JS.API.STREAM.CREATE.TODO"));
  expect(code).toBe("NATS_UNREACHABLE");
  expect(message).toContain("JetStream did not answer");
});

test("what JetStream refuses is refused, with its own words", () => {
  const error = new JetStreamApiError({ code: 400, err_code: 10_052, description: "invalid stream name" });
  expect(translated(error)).toMatchObject({
    code: "STREAM_REFUSED",
    message: expect.stringContaining('the server says "invalid stream name" (10052)'),
  });
});
