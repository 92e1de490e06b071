// The versions of each handler since somebody looked: when each came, and how its messages ended. Made of the differences
// between looks, replica by replica, as the replicas count over all versions.

export interface SeenVersion {
  readonly version: string;
  /** When it was seen first, and last. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** `start`: its replicas started with it, as in a deployment. `save`: it was saved or reloaded while they ran. */
  readonly came: "start" | "save";
  /** When it came; undefined: before anybody looked. */
  readonly cameMs?: number | undefined;
  /** While it was seen. */
  readonly handled: number;
  readonly failed: number;
  /** It was there at the last look. */
  readonly serves: boolean;
}

interface Looked {
  readonly name: string;
  readonly replicas: readonly {
    readonly replica: { readonly instance: string; readonly startedAtMs: number };
    readonly handler: {
      readonly version?: string;
      readonly reloads: number;
      readonly handled: number;
      readonly failed: number;
    };
  }[];
}

interface Counts {
  readonly version: string | undefined;
  readonly handled: number;
  readonly failed: number;
}

type Seen = { -readonly [Key in keyof Omit<SeenVersion, "version" | "serves">]: SeenVersion[Key] };

interface Track {
  readonly versions: Map<string, Seen>;
  last: Map<string, Counts>;
}

const MOST_VERSIONS = 20;

export class VersionHistory {
  private readonly tracks = new Map<string, Track>();

  look({ name, replicas }: Looked, atMs: number): void {
    const track = this.tracks.get(name) ?? { versions: new Map(), last: new Map() };
    this.tracks.set(name, track);
    const now = new Map<string, Counts>();
    const served = new Set([...track.last.values()].map(({ version }) => version));
    for (const { replica, handler } of replicas) {
      const { version, reloads, handled, failed } = handler;
      now.set(replica.instance, { version, handled, failed });
      if (version === undefined) continue;
      const before = track.last.get(replica.instance);
      const came = reloads === 0 ? "start" : "save";
      const cameMs = came === "start" ? replica.startedAtMs : before && atMs;
      const seen = track.versions.get(version) ?? { fromMs: atMs, untilMs: atMs, came, cameMs, handled: 0, failed: 0 };
      track.versions.set(version, seen);
      // One that had gone and is back has come again.
      if (before !== undefined && !served.has(version)) Object.assign(seen, { came, cameMs });
      seen.untilMs = atMs;
      // What ended in the second of a change is the new one's: nobody knows better.
      if (before === undefined) continue;
      seen.handled += Math.max(0, handled - before.handled);
      seen.failed += Math.max(0, failed - before.failed);
    }
    track.last = now;
    const [oldest] = track.versions.keys();
    if (track.versions.size > MOST_VERSIONS && oldest !== undefined) track.versions.delete(oldest);
  }

  /** Handlers that are gone are forgotten. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.tracks.keys()) if (!names.has(name)) this.tracks.delete(name);
  }

  /** Newest first. */
  of(name: string): SeenVersion[] {
    const track = this.tracks.get(name);
    if (track === undefined) return [];
    const serving = new Set([...track.last.values()].map(({ version }) => version));
    const all = [...track.versions].map(([version, seen]) => ({ version, ...seen, serves: serving.has(version) }));
    return all.sort((a, b) => b.fromMs - a.fromMs);
  }
}
