// What to do about a refusal of JetStream, by the number the server gives it (nats-server, server/errors.json). For what
// means the same wherever it comes up.

const ROOM =
  "Free the disk of the NATS server, raise its limit (max_file_store) or the account's, or state a smaller `maxBytes` for the streams.";
const COPIES =
  "There are too few servers for so many copies: state fewer `replicas`, or have more servers, with room, in the cluster.";
const NOT_HERE =
  "Have JetStream enabled for this account (`jetstream: enabled` in the server's configuration, or the account's JWT), or use an account that has it.";

export const REFUSAL_REMEDIES: Readonly<Record<number, string>> = {
  10002: "Have the account's JetStream limits raised: they leave no room for this.",
  10005: COPIES,
  10023: ROOM,
  10026:
    "The account or stream has as many consumers as it may: remove some (`handlers prune`), or have the limit raised.",
  10027: "The account has as many streams as it may: remove one (`nats stream ls`), or have the limit raised.",
  10028: ROOM,
  10039: NOT_HERE,
  10047: ROOM,
  10074: COPIES,
  10076: NOT_HERE,
  10077: "Check the disk of the server and the limits of the stream: there is no room for more.",
  10113: "This account demands a bound of each stream: state `maxBytes`.",
  10120: "The account has no JetStream limits for so many copies: state other `replicas`, or have limits for them.",
  10122: "The account bounds the size of a stream: state a smaller `maxBytes`.",
};
