// Workers load zod in fewer files than it has. Nobody can tell, but by the clock.
// @module-tag any-server

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createProject, fixture } from "../support/project.ts";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

const COLORS = `
import { z } from "zod";
import { de } from "zod/locales";
export const color = z.enum(["red", "blue"]).meta({ id: "color" });
export const colorError = (text) => color.safeParse(text).error;
export const speakGerman = () => z.config(de());
`;

it("a handler and the packages it imports have one zod, by whatever name they import it", async () => {
  const project = createProject();
  onTestFinished(() => project.end());
  project.installZod();
  const colors = join(project.rootDir, "node_modules", "colors");
  mkdirSync(colors);
  writeFileSync(
    join(colors, "package.json"),
    JSON.stringify({ name: "colors", type: "module", exports: "./index.js" }),
  );
  writeFileSync(join(colors, "index.js"), COLORS);
  project.write("zod.ts", fixture("one-zod.ts"));
  await stage.start({ project });

  const { value } = await stage.client.ask("zod", { color: "red" });
  expect(value).toMatchObject({
    isOne: true,
    hasOneCore: true,
    accepts: { color: "red", coats: 2 },
    isType: true,
    isError: true,
    mixesMini: false,
    schema: { $defs: { color: { enum: ["red", "blue"] } }, properties: { color: { $ref: "#/$defs/color" } } },
    english: "Invalid input: expected number, received string",
    tree: { tree: { below: [{ below: [] }] } },
    // It is indeed loaded so.
    stack: expect.stringContaining("zod-classic.mjs"),
  });
  expect(value).toHaveProperty("german", expect.stringContaining("Ungültige Eingabe"));
});
