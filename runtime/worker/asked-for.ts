// What a bundle asks the world for while it is only looked at: of one that asks for nothing but files of code, the answer will
// be the same the next time, as long as those files are.
//
// W1  The code it loads beside itself is known by its files, and those of their packages' manifests.
// W2  Time, chance, the process, the network: whoever so much as asks may say something else the next time. So does whoever
//     loads what reads files, starts processes or opens sockets, and whoever looks for a module that is not there.
// W3  What a package asked for when it was loaded counts for all who load it in that process later.
// W4  Bundles lie in one folder, and most import the same: what was found for one of them is not looked for again.

import { existsSync } from "node:fs";
import { type ResolveFnOutput, type ResolveHookContext, registerHooks } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Node's own modules that know nothing of the world. `module` is in the first line of every bundle. */
const HARMLESS = new Set(
  "assert assert/strict async_hooks buffer diagnostics_channel events module path path/posix path/win32 punycode querystring stream stream/promises string_decoder timers timers/promises url util util/types".split(
    " ",
  ),
);
const OF_GLOBAL = "crypto fetch WebSocket EventSource performance navigator localStorage sessionStorage Temporal";
const OF_PROCESS =
  "pid ppid hrtime uptime memoryUsage cpuUsage resourceUsage availableMemory constrainedMemory argv stdin getBuiltinModule binding dlopen loadEnvFile report";

export class AskedFor {
  private asked = false;
  /** W3. */
  private isTainted = false;
  private url = "";
  /** URLs that each module has imported. */
  private readonly imports = new Map<string, Set<string>>();
  private readonly seen: Set<string>;
  /** W4. */
  private readonly found = new Map<string, ResolveFnOutput>();
  private newFiles = 0;

  /** `loaded`: URLs of what the process has loaded before, all of which is harmless. Once in a process. */
  constructor(loaded: readonly string[]) {
    this.seen = new Set(loaded);
    registerHooks({
      resolve: (specifier, context, next) => {
        try {
          const resolved = this.resolve(specifier, context, next);
          this.saw(context.parentURL ?? "", resolved.url);
          return resolved;
        } catch (error) {
          this.asked = true; // It may be there the next time.
          throw error;
        }
      },
    });
    const onAsked = () => {
      this.asked = true;
    };
    watchDate(onAsked);
    watch(Math, "random", onAsked);
    watch(globalThis, OF_GLOBAL, onAsked);
    watch(process, OF_PROCESS, onAsked);
  }

  begin(url: string): void {
    this.url = url;
    this.asked = false;
    this.newFiles = 0;
  }

  /** Paths of what it has loaded beside itself; undefined: that is not all that decides what it says. */
  end(): string[] | undefined {
    const { asked, isTainted } = this;
    if (asked && this.newFiles > 0) this.isTainted = true;
    const urls = this.loadedBy(this.url);
    const files = urls.filter((url) => url.startsWith("file:"));
    const isHarmless = urls.every((url) => /^file:.*\.(?:[cm]?[jt]sx?|json)$/.test(url) || isHarmlessBuiltin(url));
    if (asked || !isHarmless || (isTainted && files.length > 0)) return undefined;
    const paths = files.map((url) => fileURLToPath(url));
    return [...new Set([...paths, ...paths.flatMap(manifestOf)])];
  }

  /** Throws where there is none. */
  private resolve(specifier: string, context: ResolveHookContext, next: Resolve): ResolveFnOutput {
    const { parentURL, conditions } = context;
    if (parentURL !== this.url || !isBare(specifier)) return next(specifier, context);
    const key = [specifier, dirname(parentURL), ...conditions].join("\0");
    const known = this.found.get(key);
    if (known !== undefined) return { ...known, shortCircuit: true };
    const resolved = next(specifier, context);
    this.found.set(key, resolved);
    return resolved;
  }

  private saw(parent: string, url: string): void {
    const imported = this.imports.get(parent) ?? new Set();
    this.imports.set(parent, imported.add(url));
    if (url === this.url || !url.startsWith("file:") || this.seen.has(url)) return;
    this.seen.add(url);
    this.newFiles++;
  }

  private loadedBy(url: string): string[] {
    const all = new Set([url]);
    for (const module of all) for (const imported of this.imports.get(module) ?? []) all.add(imported);
    all.delete(url);
    return [...all];
  }
}

type Resolve = (specifier: string, context: ResolveHookContext) => ResolveFnOutput;

/** The name of a package, or of one of Node's own modules. */
function isBare(specifier: string): boolean {
  return /^[\w@]/.test(specifier) && !/^(?:file|data|https?):/.test(specifier);
}

function isHarmlessBuiltin(url: string): boolean {
  return url.startsWith("node:") && HARMLESS.has(url.slice("node:".length));
}

/** Where it is, and the nearest that there is: Node asks none farther away. */
function manifestOf(path: string): string[] {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) return [manifest];
    if (folder === dirname(folder)) return [];
  }
}

/** Whoever reads one of these properties is noticed. They stay what they are. */
function watch(object: object, names: string, onAsked: () => void): void {
  for (const name of names.split(" ")) {
    const found = Object.getOwnPropertyDescriptor(object, name);
    if (found?.configurable !== true) continue;
    Object.defineProperty(object, name, {
      configurable: true,
      enumerable: found.enumerable ?? true,
      get() {
        onAsked();
        return found.get === undefined ? found.value : found.get.call(object);
      },
      set(value) {
        Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: true });
      },
    });
  }
}

/** Only the time of now is asked of the world: any other date is worked out. */
function watchDate(onAsked: () => void): void {
  watch(Date, "now", onAsked);
  const watched: DateConstructor = new Proxy(Date, {
    construct(target, given, asked): Date {
      if (given.length === 0) onAsked();
      return Reflect.construct(target, given, asked === watched ? target : asked) as Date;
    },
    apply(target) {
      onAsked();
      return target();
    },
  });
  Date.prototype.constructor = watched;
  globalThis.Date = watched;
}
