import { JetStreamApiError } from "@nats-io/jetstream";
import { errors, type NatsConnection } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { jetStreamError } from "../../../runtime/bind/jetstream-errors.ts";

const connection = { info: { jetstream: true } } as unknown as NatsConnection;

function translated(error: Error) {
  return jetStreamError(error, { connection, code: "STREAM_REFUSED", doing: 'stream "TODO" could not be created' });
}

test.each([10_008, 10_009])("a cluster without a leader (%i) is not there yet, and may be tried again", (code) => {
  const error = new JetStreamApiError({
    code: 503,
    err_code: code,
    description: "JetStream system temporarily unavailable",
  });
  expect(translated(error)).toMatchObject({
    code: "NATS_UNREACHABLE",
    message: 'stream "TODO" could not be created: JetStream has no leader',
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
