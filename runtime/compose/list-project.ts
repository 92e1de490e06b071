// Which handlers a project has, and what they say of themselves: as it was found before where nothing has changed since, and
// looked at where it has.

import { scan } from "../discover/scan.ts";
import { baseEnvironment } from "../isolate/environment.ts";
import { startReaper } from "../isolate/reaper.ts";
import { ownCode } from "../recall/own-code.ts";
import { Recall } from "../recall/recall.ts";
import {
  type CheckedHandler,
  checkHandlers,
  type InspectOptions,
  inspectHandler,
  type ProjectCheck,
} from "../supervise/check-handlers.ts";
import { createTools, type Tools, type ToolsOptions, wantedBy } from "./tools.ts";

export interface ListOptions extends Omit<ToolsOptions, "build"> {
  readonly runtimeVersion: string;
}

/** As `checkProject`, and sooner: only what may have changed is looked at. */
export async function listProject(options: ListOptions): Promise<ProjectCheck> {
  const { config, clock } = options;
  const recall = recallFor(options);
  const lookedAtMs = clock.nowMs();
  const onGood: InspectOptions["onGood"] = (file, built, { metadata, env, outside }) => {
    const decidedBy = outside === undefined ? undefined : built.decidedBy?.();
    if (outside === undefined || decidedBy === undefined) return;
    const { version, sizeBytes } = built.bundle;
    recall?.keep(file, {
      found: { metadata, version, sizeBytes },
      paths: [...decidedBy, ...outside],
      env,
      lookedAtMs,
    });
  };
  const lookers = new Lookers(options);
  try {
    const checked = await checkHandlers({
      discover: () => scan(config.rootDir, config.handlersDir),
      wanted: wantedBy(config),
      async inspect(file): Promise<CheckedHandler> {
        const found = recall?.find(file);
        if (found !== undefined) return { name: file.name, file: file.displayPath, ok: true, ...found, warnings: [] };
        const { bundler, evaluator } = await lookers.tools();
        return inspectHandler(file, { bundler, evaluator, onGood });
      },
    });
    recall?.save();
    return checked;
  } finally {
    await lookers.close();
  }
}

/** What looking takes, started with the first handler that is looked at. */
class Lookers {
  private readonly options: ListOptions;
  private started: { readonly tools: Promise<Tools>; readonly reaper: ReturnType<typeof startReaper> } | undefined;

  constructor(options: ListOptions) {
    this.options = options;
  }

  tools(): Promise<Tools> {
    this.started ??= this.start();
    return this.started.tools;
  }

  async close(): Promise<void> {
    const tools = await this.started?.tools.catch(() => undefined);
    await tools?.close();
    this.started?.reaper.close();
  }

  private start() {
    const reaper = startReaper({ emit: this.options.emit });
    return { reaper, tools: createTools(this.options, reaper, 1) };
  }
}

/** With `preload` every handler's process runs other code first, whose doings would be laid to nobody. */
function recallFor({ config, environment, runtimeVersion }: ListOptions): Recall | undefined {
  const { rootDir, handlersDir, stateDir, preload, conditions, defaults } = config;
  if (preload.length > 0) return undefined;
  const node = [process.version, process.execPath, process.arch];
  const settings = [rootDir, handlersDir, conditions, defaults, baseEnvironment(environment)];
  return new Recall({ stateDir, environment, basis: [ownCode(runtimeVersion), node, settings] });
}
