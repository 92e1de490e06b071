// Where there is nothing: why, and how something comes to be.

import type { ComponentChildren } from "preact";

export function Empty({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
