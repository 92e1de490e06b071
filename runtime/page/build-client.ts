// The program of `npm run build` that puts the page's files into dist.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ASSET_FILES } from "./asset-files.ts";
import { bundleClient } from "./bundle-client.ts";

const folder = "dist/runtime/page/assets";
const assets = await bundleClient();
await mkdir(folder, { recursive: true });
for (const [part, name] of Object.entries(ASSET_FILES)) {
  await writeFile(join(folder, name), assets[part as keyof typeof ASSET_FILES]);
}
