// A bundler whose warnings are told as they come, each once.

import type { Bundler } from "../bundle/bundler.ts";
import { ToldWarnings } from "../bundle/told-warnings.ts";
import type { Emit } from "../events.ts";

export function tellWarnings(bundler: Bundler, emit: Emit): Bundler {
  const told = new ToldWarnings();
  return {
    ...bundler,
    async build(file) {
      const built = await bundler.build(file);
      const warnings = built.ok ? told.news(file.name, built.warnings) : [];
      for (const warning of warnings) emit({ type: "handler.warned", handler: file.name, warning });
      return built;
    },
  };
}
