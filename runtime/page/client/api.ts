// Asks the page's server, and tells it what to do.

import { signal } from "@preact/signals";
import type { Refusal, Session } from "../answers.ts";
import { authorization } from "./token.ts";

/** The server does not know our token: it is of an earlier start. */
export const locked = signal(false);
export const session = signal<Session | undefined>(undefined);

export class Refused extends Error {
  readonly remedy: string | undefined;
  constructor({ error }: Refusal) {
    super(error.code === "USAGE" ? error.message : `${error.code}: ${error.message}`);
    this.remedy = error.remedy;
  }
}

/** Rejects with Refused, or when the server is not there. */
export function ask<T>(path: string, query: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Promise<T> {
  const words = new URLSearchParams(query).toString();
  return read<T>(`${path}${words === "" ? "" : `?${words}`}`, signal === undefined ? {} : { signal });
}

/** Rejects as `ask` does. */
export function act<T>(path: string, body: object): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  return read<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** Whether there is a button for it. */
export function may(action: string): boolean {
  return session.value?.actions.includes(action) ?? false;
}

async function read<T>(path: string, init: RequestInit): Promise<T> {
  const response = await fetch(path, { ...init, headers: { ...init.headers, Authorization: authorization() } });
  if (response.status === 401) locked.value = true;
  if (response.ok) return response.json();
  throw new Refused(
    await response.json().catch(() => ({ error: { code: `HTTP ${response.status}`, message: response.statusText } })),
  );
}
