// The versions of each handler since somebody looked: when each came, and how its messages ended. Made of the differences
// between looks, replica by replica, as the replicas count over all versions.

export interface SeenVersion {
  readonly version: string;
  /** When it was seen first, and last. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** While it was seen. */
  readonly handled: number;
  readonly failed: number;
  /** It was there at the last look. */
  readonly serves: boolean;
}

interface Looked {
  readonly name: string;
  readonly replicas: readonly {
    readonly replica: { readonly instance: string };
    readonly handler: { readonly version?: string; readonly handled: number; readonly failed: number };
  }[];
}

interface Counts {
  readonly version: string | undefined;
  readonly handled: number;
  readonly failed: number;
}

interface Track {
  readonly versions: Map<string, { fromMs: number; untilMs: number; handled: number; failed: number }>;
  last: Map<string, Counts>;
}

const MOST_VERSIONS = 20;

export class VersionHistory {
  private readonly tracks = new Map<string, Track>();

  look({ name, replicas }: Looked, atMs: number): void {
    const track = this.tracks.get(name) ?? { versions: new Map(), last: new Map() };
    this.tracks.set(name, track);
    const now = new Map<string, Counts>();
    for (const { replica, handler } of replicas) {
      const { version, handled, failed } = handler;
      now.set(replica.instance, { version, handled, failed });
      if (version === undefined) continue;
      const seen = track.versions.get(version) ?? { fromMs: atMs, untilMs: atMs, handled: 0, failed: 0 };
      track.versions.set(version, seen);
      seen.untilMs = atMs;
      const before = track.last.get(replica.instance);
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
