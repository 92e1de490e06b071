// Which modules a build has read, also when it fails: esbuild tells it only of those that succeed.
import type { Plugin } from "esbuild";

export interface ReadFiles {
  readonly plugin: Plugin;
  /** Absolute, of the build that runs or ran last. */
  readonly paths: ReadonlySet<string>;
}

export function readFiles(): ReadFiles {
  const paths = new Set<string>();
  return {
    paths,
    plugin: {
      name: "nats-handlers:read-files",
      setup(build) {
        build.onStart(() => paths.clear());
        build.onLoad({ filter: /./, namespace: "file" }, ({ path }) => {
          paths.add(path);
          return undefined;
        });
      },
    },
  };
}
