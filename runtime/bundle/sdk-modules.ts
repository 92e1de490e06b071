// What handlers import of the sdk: its entry, and what lies beside it.

import { extname } from "node:path";

/** Specifier to the name of the file. */
const BESIDE: ReadonlyMap<string, string> = new Map([["nats-handlers/effect", "effect"]]);

/** File URL of what the specifier stands for; undefined: it is none of these. `sdkUrl`: of the sdk's entry. */
export function sdkModule(sdkUrl: string, specifier: string): string | undefined {
  if (specifier === "nats-handlers") return sdkUrl;
  const name = BESIDE.get(specifier);
  return name && new URL(`${name}${extname(sdkUrl)}`, sdkUrl).href;
}

/** File URLs of all of them. */
export function sdkModules(sdkUrl: string): string[] {
  return [sdkUrl, ...[...BESIDE.keys()].map((specifier) => sdkModule(sdkUrl, specifier)!)];
}
