import { expect, test } from "vitest";
import { slotStage } from "../../support/slot-stage.ts";

const METADATA = { subject: "a.b" };

async function bundleOf(stage: ReturnType<typeof slotStage>, name: string, evaluate: () => Promise<void>) {
  const file = stage.save(name, "1", { metadata: METADATA, evaluate });
  const built = await stage.deps.bundler.build(file);
  if (!built.ok) throw built.error;
  return { file, bundle: built.bundle };
}

test("who fails where another has been is looked at again alone, and only that counts", async () => {
  const stage = slotStage();
  const first = await bundleOf(stage, "first", async () => {});
  await stage.deps.evaluator.look(first.file, first.bundle);
  let tries = 0;
  const second = await bundleOf(stage, "second", async () => {
    if (++tries === 1) throw new Error("for what first has done");
  });
  expect(await stage.deps.evaluator.look(second.file, second.bundle)).toMatchObject({
    metadata: { subjects: [METADATA.subject] },
  });
  expect(stage.workers.taken).toHaveLength(2);
});

test("who fails alone is told at once", async () => {
  const stage = slotStage();
  let tries = 0;
  const { file, bundle } = await bundleOf(stage, "first", async () => {
    tries++;
    throw new Error("of its own doing");
  });
  await expect(stage.deps.evaluator.look(file, bundle)).rejects.toThrow("of its own doing");
  expect(tries).toBe(1);
});

test("handlers that leave nothing behind share a process, for a bounded number of them", async () => {
  const stage = slotStage();
  for (let at = 0; at < 1_001; at++) {
    const { file, bundle } = await bundleOf(stage, `h${at}`, async () => {});
    await stage.deps.evaluator.look(file, bundle);
  }
  expect(stage.workers.taken).toHaveLength(2);
  expect(stage.workers.alive).toHaveLength(1);
});

test("nothing is left running once nobody asks any more", async () => {
  const stage = slotStage();
  const { file, bundle } = await bundleOf(stage, "first", async () => {});
  await stage.deps.evaluator.look(file, bundle);
  stage.clock.advance(2_000);
  expect(stage.workers.alive).toHaveLength(0);
});
