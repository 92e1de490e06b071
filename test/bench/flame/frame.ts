// Whose a frame of a profile is, and where it stands: never with a path of the machine it was taken on.

import type { CallFrame } from "./cpu-profile.ts";

export type Kind = "ours" | "client" | "work" | "node" | "gc" | "native";

/** In the order of a legend. */
export const KINDS: Readonly<Record<Kind, string>> = {
  ours: "nats-handlers",
  client: "NATS client",
  work: "the handler, its packages",
  node: "Node.js",
  gc: "garbage collection",
  native: "outside of JavaScript",
};

export interface Frame {
  readonly name: string;
  /** Module and line; "" for what is not JavaScript. */
  readonly place: string;
  readonly kind: Kind;
}

const ROOT = new URL("../../../", import.meta.url).href;

export function frameOf({ functionName, url, lineNumber }: CallFrame): Frame {
  if (functionName === "(garbage collector)") return { name: "garbage collector", place: "", kind: "gc" };
  if (functionName === "(program)") return { name: "outside of JavaScript", place: "", kind: "native" };
  if (functionName.startsWith("RegExp: ")) return { name: "RegExp", place: "", kind: "node" };
  // Without a script, but with a line: made by `new Function`, as schema libraries do.
  if (url === "" && lineNumber >= 0) return { name: functionName || "(generated)", place: "", kind: "work" };
  const module = moduleOf(url);
  const place = lineNumber >= 0 && module !== "" ? `${module}:${lineNumber + 1}` : module;
  return { name: functionName || place.split("/").at(-1) || "(anonymous)", place, kind: kindOf(module) };
}

/** From the root of this repository, of its package, or the bare name. */
function moduleOf(url: string): string {
  const packages = url.lastIndexOf("node_modules/");
  if (packages >= 0) return url.slice(packages + "node_modules/".length);
  if (url.startsWith(ROOT)) return url.slice(ROOT.length);
  return /^(file:|\/|\.\.)/.test(url) ? (url.split("/").at(-1) ?? "") : url;
}

function kindOf(module: string): Kind {
  if (module === "" || module.startsWith("node:")) return "node";
  if (/^(runtime|sdk)\//.test(module)) return "ours";
  return module.startsWith("@nats-io/") ? "client" : "work";
}
