// A stream of the runtime's own that is read while it is being made: one server version stands still when it is asked naively.

import { jetstreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { OwnStreamReader } from "../../runtime/streams/own-stream-reader.ts";
import { connectClient } from "../support/client.ts";
import { useStreamStage } from "../support/stream-stage.ts";
import { volume } from "../support/volume.ts";

const stage = useStreamStage();
const STREAMS = volume(200);

it("is empty until it is made, and the server goes on", async () => {
  const { connection } = await connectClient(stage.server.url);
  const maker = await jetstreamManager(connection);
  let reads = 0;
  for (let at = 0; at < STREAMS; at++) {
    const reader = new OwnStreamReader(stage.jsm, `OWN${at}`);
    let isMade = false;
    const making = maker.streams.add({ name: `OWN${at}`, subjects: [`own.${at}`] }).then(() => (isMade = true));
    while (!isMade) {
      expect(await reader.get({ last_by_subj: `own.${at}` })).toBeNull();
      reads++;
    }
    await making;
    await stage.store(`own.${at}`, "text");
    expect((await reader.get({ last_by_subj: `own.${at}` }))?.string()).toBe("text");
    await maker.streams.delete(`OWN${at}`);
    expect(await reader.get({ last_by_subj: `own.${at}` })).toBeNull();
  }
  expect(reads).toBeGreaterThan(STREAMS);
  await connection.close();
});
