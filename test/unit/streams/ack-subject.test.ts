import { expect, it } from "vitest";
import { parseAckSubject } from "../../../runtime/streams/ack-subject.ts";

const told = {
  stream: "TODO",
  consumer: "app-save",
  deliveries: 2,
  streamSequence: 37,
  storedAtMs: 1_795_456_942_614,
  pending: 5,
};

it.each([
  ["of nine tokens", "$JS.ACK.TODO.app-save.2.37.41.1795456942614840000.5"],
  ["of eleven tokens, without a domain", "$JS.ACK._.ACCHASH.TODO.app-save.2.37.41.1795456942614840000.5"],
  ["of twelve tokens, with a domain", "$JS.ACK.hub.ACCHASH.TODO.app-save.2.37.41.1795456942614840000.5.rnd"],
])("an ack subject %s is read", (_shape, reply) => {
  expect(parseAckSubject(reply)).toEqual(told);
});

it.each(["", "_INBOX.abc.1", "$JS.ACK.TODO", "$JS.ACK.a.b.c.d.e.f.g.h", "$JS.ACK.TODO.app-save.x.37.41.1.5"])(
  "%j is no ack subject",
  (reply) => {
    expect(parseAckSubject(reply)).toBeUndefined();
  },
);
