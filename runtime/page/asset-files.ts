// The files that the browser loads.

export interface Assets {
  readonly html: string;
  readonly js: string;
  readonly css: string;
  readonly icon: string;
}

/** Their names where they are kept. */
export const ASSET_FILES = { html: "index.html", js: "app.js", css: "app.css", icon: "icon.svg" } as const;
