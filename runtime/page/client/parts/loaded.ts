// What is asked of the server for a view: again when its question changes, the newest answer wins.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../api.ts";

export type Loaded<T> =
  | { readonly kind: "loading" }
  | { readonly kind: "there"; readonly value: T }
  | { readonly kind: "failed"; readonly why: string };

/** @param again asked anew when it changes; what is there is shown meanwhile */
export function useLoaded<T>(path: string, query: Readonly<Record<string, string>>, again: unknown): Loaded<T> {
  const loaded = useSignal<Loaded<T>>({ kind: "loading" });
  useEffect(() => {
    const stop = new AbortController();
    ask<T>(path, query, stop.signal).then(
      (value) => {
        if (!stop.signal.aborted) loaded.value = { kind: "there", value };
      },
      (error: unknown) => {
        if (!stop.signal.aborted)
          loaded.value = { kind: "failed", why: error instanceof Error ? error.message : String(error) };
      },
    );
    return () => stop.abort();
  }, [path, JSON.stringify(query), again]);
  return loaded.value;
}
