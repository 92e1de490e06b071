// What the browser loads. An installed package brings it built; from sources it is built once, at the start.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ASSET_FILES, type Assets } from "./asset-files.ts";

/** Where `npm run build` puts them. */
const BUILT = new URL("./assets/", import.meta.url);

/** Rejects with BUILD_TOOLS_MISSING in a build of handlers, which has neither. */
export async function loadAssets(): Promise<Assets> {
  if (!existsSync(fileURLToPath(new URL(ASSET_FILES.js, BUILT)))) {
    const { bundleClient } = await import("./bundle-client.ts");
    return bundleClient();
  }
  const read = (name: string) => readFile(new URL(name, BUILT), "utf8");
  const { html, js, css, icon } = ASSET_FILES;
  return { html: await read(html), js: await read(js), css: await read(css), icon: await read(icon) };
}
