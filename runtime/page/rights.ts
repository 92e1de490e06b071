// What may be done from the page: a list, narrowed by --allow and emptied by --read-only. The server asks it for each
// action, and the browser is told it and draws no other buttons. Above it stand the rights of the NATS user.

import { RuntimeError } from "../errors.ts";

export const ACTIONS = [
  "disable",
  "enable",
  "reload",
  "invoke",
  "redrive",
  "mend",
  "drop",
  "cancel",
  "cancel-run",
  "send",
] as const;

export type Action = (typeof ACTIONS)[number];

export interface RightsOptions {
  readonly readOnly?: boolean;
  /** Joined by commas. */
  readonly allow?: string;
}

/** Throws USAGE for a word that is no action. */
export function readRights({ readOnly = false, allow }: RightsOptions): ReadonlySet<Action> {
  if (readOnly && allow !== undefined) throw new RuntimeError("USAGE", "--read-only and --allow exclude each other");
  if (readOnly) return new Set();
  if (allow === undefined) return new Set(ACTIONS);
  const words = allow
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const unknown = words.filter((word) => !isAction(word));
  if (unknown.length === 0) return new Set(words.filter(isAction));
  throw new RuntimeError(
    "USAGE",
    `--allow: there is no action ${unknown.map((word) => JSON.stringify(word)).join(", ")}`,
    {
      remedy: `There are: ${ACTIONS.join(", ")}`,
    },
  );
}

function isAction(word: string): word is Action {
  return (ACTIONS as readonly string[]).includes(word);
}
