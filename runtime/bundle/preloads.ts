// What every handler's process loads before its handler: the modules that `preload` in the configuration names.
//
// R1  Each is built like a handler, in a bundle of its own; what is wrong with one holds back every handler.
// R2  Its code is part of a handler's version, and its sources are among the handler's inputs: a save of it reloads all.
// R3  A preload's bundle is retired with the last handler's bundle that came with it.
import { createHash } from "node:crypto";
import { relative, sep } from "node:path";
import type { HandlerFile } from "../discover/handler-file.ts";
import { RuntimeError } from "../errors.ts";
import type { Bundle } from "./bundle.ts";
import type { BuildResult, Bundler } from "./bundler.ts";
import { isProgram } from "./group-program.ts";

type Built = Extract<BuildResult, { ok: true }>;

/** Preloads as what is built. No handler has such a name. */
export function preloadFiles(rootDir: string, paths: readonly string[]): HandlerFile[] {
  return paths.map((path) => {
    const displayPath = relative(rootDir, path).split(sep).join("/");
    return { name: `@preload/${displayPath.replace(/\.\w+$/, "")}`, path, displayPath };
  });
}

export function withPreloads(bundler: Bundler, preloads: readonly HandlerFile[]): Bundler {
  if (preloads.length === 0) return bundler;
  const users = new Map<Bundle, number>();
  const partsOf = new Map<Bundle, { readonly own: Bundle; readonly preloads: readonly Bundle[] }>();

  async function buildPreload(file: HandlerFile): Promise<BuildResult> {
    const built = await bundler.build(file);
    if (built.ok) users.set(built.bundle, (users.get(built.bundle) ?? 0) + 1);
    return built.ok ? built : { ...built, error: ofPreload(built.error, file) };
  }

  async function leave(preload: Bundle): Promise<void> {
    const left = (users.get(preload) ?? 1) - 1;
    if (left > 0) {
      users.set(preload, left);
      return;
    }
    users.delete(preload);
    await bundler.retire(preload);
  }

  return {
    ...bundler,
    async build(file) {
      const [own, ...built] = await Promise.all([bundler.build(file), ...preloads.map(buildPreload)]);
      const together = joined(own!, built);
      if (together.ok && own!.ok)
        partsOf.set(together.bundle, { own: own!.bundle, preloads: built.filter(isBuilt).map(({ bundle }) => bundle) });
      else {
        if (own!.ok) await bundler.retire(own!.bundle);
        await Promise.all(built.filter(isBuilt).map(({ bundle }) => leave(bundle)));
      }
      return together;
    },
    async retire(bundle) {
      if (isProgram(bundle)) return bundler.retire(bundle); // It has no preloads of its own: its handlers bring them.
      const parts = partsOf.get(bundle);
      partsOf.delete(bundle);
      if (parts !== undefined) await Promise.all([bundler.retire(parts.own), ...parts.preloads.map(leave)]);
    },
  };
}

/** A handler's build with those of its preloads (R1, R2). */
export function joined(own: BuildResult, preloads: readonly BuildResult[]): BuildResult {
  const all = [own, ...preloads];
  const inputs = [...new Set(all.flatMap((built) => (built.ok ? built.bundle.inputs : built.inputs)))];
  const failed = all.find((built) => !built.ok);
  if (failed !== undefined) return { ok: false, error: failed.error, inputs };
  const { bundle, warnings } = own as Built;
  const loaded = preloads.filter(isBuilt);
  const versions = [bundle, ...loaded.map((built) => built.bundle)].map(({ version }) => version).join();
  const version =
    loaded.length === 0 ? bundle.version : createHash("sha256").update(versions).digest("hex").slice(0, 12);
  const preload = loaded.map((built) => built.bundle.path);
  return {
    ok: true,
    bundle: { ...bundle, version, inputs, preload },
    warnings: [...warnings, ...loaded.flatMap((built) => built.warnings)],
  };
}

function isBuilt(built: BuildResult): built is Built {
  return built.ok;
}

/** The error as one of the preload's: which handler it held back first does not matter. */
function ofPreload(
  { code, message, place, frame, remedy }: RuntimeError,
  { name, displayPath }: HandlerFile,
): RuntimeError {
  return new RuntimeError(code, message.replace(`handler "${name}"`, `preload "${displayPath}"`), {
    place: place ?? { file: displayPath },
    ...(frame === undefined ? {} : { frame }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}
