// What a worker loads while it waits for its handler: the project's zod, and a handler to rehearse with.
//
// Both lie in the project's folder, or in that of a build, so that the zod they find is the one its handlers will find.
import { join } from "node:path";
import { bundled, place } from "./program-file.ts";
import { placeZodBundle } from "./zod-bundle.ts";

const REHEARSAL = "rehearsal.mjs";
const ZOD_LOADER = `../worker/zod-loader${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`;

/** As worker/rehearsal.ts wants it. What costs at first is zod, wherever there is one. */
const REHEARSED = `
const { z } = await import("zod").catch(() => ({}));
const anything = { "~standard": { version: 1, vendor: "none", validate: (value) => ({ value }) } };
const schema = z?.object({ number: z.number(), text: z.string() }) ?? anything;
export const metadata = { subject: "rehearsal", schema };
export default async (event, ctx) => {
  await ctx.publish("rehearsal", { number: event.number });
  return event.text;
};
`;

/**
 * The URL of the module to preload. It exports that of the handler as `rehearsal`.
 * @param options.zodAlone nothing else of zod is imported than zod itself
 */
export async function placePreload(folder: string, { zodAlone = false } = {}): Promise<string> {
  const [load] = await Promise.all([loadZod(folder, zodAlone), placeRehearsed(folder)]);
  const [output] = await bundled({
    stdin: {
      contents: `${load}\nexport const rehearsal = new URL(${JSON.stringify(REHEARSAL)}, import.meta.url).href;`,
      resolveDir: import.meta.dirname,
    },
    // Comments in it say where code is from: from here, wherever here is.
    absWorkingDir: import.meta.dirname,
    external: ["zod"],
  });
  return place(folder, "preload.mjs", output!.contents);
}

async function loadZod(folder: string, alone: boolean): Promise<string> {
  const made = await placeZodBundle(folder, { alone });
  if (made === undefined) return `await import("zod").catch(() => {});`;
  return `import { importZod } from ${JSON.stringify(ZOD_LOADER)};
await importZod(import.meta, ${JSON.stringify(made)}, () => import("zod")).catch(() => {});`;
}

/** With a source map, as handlers have one. */
async function placeRehearsed(folder: string): Promise<void> {
  const [map, code] = await bundled({
    stdin: { contents: REHEARSED, resolveDir: folder },
    external: ["zod"],
    sourcemap: "linked",
    outfile: join(folder, REHEARSAL),
  });
  await place(folder, `${REHEARSAL}.map`, map!.contents);
  await place(folder, REHEARSAL, code!.contents);
}
