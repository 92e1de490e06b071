// The address: read, changed and followed without loading the page anew.

import { computed, signal } from "@preact/signals";
import { hrefWith, routeOf } from "./route.ts";

const address = signal(location.pathname + location.search);

export const route = computed(() => routeOf(address.value.split("?")[0] ?? "/"));
export const query = computed(() => new URLSearchParams(address.value.split("?")[1] ?? ""));

export function go(href: string, how: "push" | "replace" = "push"): void {
  if (href === address.peek()) return;
  history[how === "push" ? "pushState" : "replaceState"](null, "", href);
  address.value = href;
  if (how === "push") {
    scrollTo(0, 0);
    // Whoever reads by ear or keyboard goes on where the new view begins.
    requestAnimationFrame(() => document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true }));
  }
}

/** The same view with another filter. */
export function refine(changes: Readonly<Record<string, string | undefined>>): void {
  const now = Object.fromEntries(query.peek());
  go(hrefWith(address.peek().split("?")[0] ?? "/", { ...now, ...changes }), "replace");
}

/** Follow links to views here, and the browser's own back and forward. */
export function followLinks(): void {
  addEventListener("popstate", () => {
    address.value = location.pathname + location.search;
  });
  addEventListener("click", (event) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const href = link?.getAttribute("href");
    if (!isPlain || event.defaultPrevented || href?.startsWith("/") !== true) return;
    event.preventDefault();
    go(href);
  });
}
