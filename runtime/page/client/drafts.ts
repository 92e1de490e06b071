// The message being written, and those sent before: kept as long as the tab, as they hold payloads.

import { signal } from "@preact/signals";

export interface Draft {
  readonly subject: string;
  readonly payload: string;
  /** One a line. */
  readonly headers: string;
  readonly raw: boolean;
  /** Something in the payload is shown as ***, and would be sent so. */
  readonly masked: boolean;
  /** It is a dead letter, to be mended and sent again to its handler. */
  readonly letter?: { readonly id: number; readonly handler: string } | undefined;
  /** Undefined: as the handlers of the subject suggest. */
  readonly ask: boolean | undefined;
}

export interface Sent {
  readonly id: number;
  readonly message: Draft;
  readonly fate: string;
  /** What the message is called. */
  readonly origin?: string;
}

const KEY = "handlers-sent";
const KEPT = 20;

export const draft = signal<Draft>({
  subject: "",
  payload: "",
  headers: "",
  raw: false,
  masked: false,
  ask: undefined,
});
export const sent = signal<readonly Sent[]>(kept());

export function addSent(message: Draft, fate: string, origin: string): void {
  const id = (sent.value[0]?.id ?? 0) + 1;
  sent.value = [{ id, message, fate, origin }, ...sent.value].slice(0, KEPT);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(sent.value));
  } catch {
    // Too large to keep: then it goes with the page.
  }
}

function kept(): readonly Sent[] {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
}
