// What an administrator does to rights, limits and room, and to the dead letters.

import type { StreamConfig } from "@nats-io/jetstream";
import type { Row } from "../row.ts";
import type { Scene } from "../scene.ts";

const LETTERS = "DLQ_shop";
const AWAY_MS = 2_000;
/** Letters that may come while the stream is edited. */
const ON_THEIR_WAY = 40;

interface Denied {
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
  readonly password?: string;
}

/** The replicas are `app`; the publisher and the administrator need no name. */
const rights = ({ publish = [], subscribe = [], password = "secret" }: Denied) => `
  accounts { A { jetstream: enabled, users: [
    { user: admin, password: secret },
    { user: app, password: ${password}, permissions: {
      publish: { allow: [">"], deny: ${JSON.stringify(publish)} },
      subscribe: { allow: [">"], deny: ${JSON.stringify(subscribe)} } } } ] } }
  no_auth_user: admin
`;

/** Taken away for some seconds. */
const without = (denied: Denied): Pick<Row, "server" | "env" | "change"> => ({
  server: rights({}),
  env: () => ({ NATS_USER: "app", NATS_PASSWORD: "secret" }),
  async change(scene) {
    await scene.server.reload(rights(denied));
    await scene.lasts(AWAY_MS);
    await scene.server.reload(rights({}));
  },
});

const ROOM = "150M";

async function fillUp({ admin, client, lasts }: Scene): Promise<void> {
  await admin.streams.add({ name: "FILL", subjects: ["fill"] });
  const filling = new Uint8Array(900_000);
  for (;;) {
    const { error } = (await client.request("fill", filling, { timeout: 5_000 })).json<{ error?: unknown }>();
    if (error !== undefined) break;
  }
  await lasts(AWAY_MS);
  await admin.streams.delete("FILL");
}

const editLetters = ({ admin }: Scene, change: Partial<StreamConfig>) => admin.streams.update(LETTERS, change);

export const ACCOUNT_ROWS: readonly Row[] = [
  {
    name: "the right to its inbox is taken away, and given back",
    ...without({ subscribe: ["_INBOX.>"] }),
  },
  { name: "the right to ask JetStream is taken away, and given back", ...without({ publish: ["$JS.API.>"] }) },
  { name: "the right to acknowledge is taken away, and given back", ...without({ publish: ["$JS.ACK.>"] }) },
  { name: "the right to publish letters is taken away, and given back", ...without({ publish: ["dlq.>"] }) },
  { name: "the password is changed, and changed back", ...without({ password: "other" }) },
  {
    name: "the account has no room for a while",
    server: `accounts { A { jetstream: { max_mem: ${ROOM}, max_file: ${ROOM} }, users: [{ user: u, password: p }] } }
      no_auth_user: u`,
    change: fillUp,
  },
  { name: "the server has no room for a while", server: `jetstream { max_file_store: ${ROOM} }`, change: fillUp },
  {
    name: "the stream of the dead letters is full for a while",
    message: (id) => ({ id, does: id % 10 === 5 ? "throws" : "ends" }),
    async change(scene) {
      const { config, state } = await scene.admin.streams.info(LETTERS);
      // Never below what it has: to make it smaller takes letters away on 2.9, and they still come.
      await editLetters(scene, { max_msgs: state.messages + ON_THEIR_WAY, discard: "new" as StreamConfig["discard"] });
      await scene.lasts(AWAY_MS);
      await editLetters(scene, { max_msgs: config.max_msgs, discard: config.discard });
    },
  },
  {
    name: "the stream of the dead letters is deleted",
    async change(scene) {
      await scene.quiet();
      const { state } = await scene.admin.streams.info(LETTERS);
      scene.excuse(state.messages);
      await scene.admin.streams.delete(LETTERS);
      scene.load.resume();
    },
  },
];
