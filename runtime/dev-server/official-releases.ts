// Which official nats-server releases may be run, by the SHA-256 of their archives. A pin stands here only when two public
// sources that do not copy from each other give it.

export interface Pin {
  readonly version: string;
  /** Of the archive `nats-server-v<version>-<platform>.tar.gz`. */
  readonly sha256: string;
}

export interface Releases {
  /** The folder that holds a folder `v<version>` for each release, without a slash at the end. */
  readonly baseUrl: string;
  /** By `<os>-<arch>`, as the releases name them. */
  readonly pins: Readonly<Record<string, Pin>>;
}

export const OFFICIAL_RELEASES: Releases = {
  baseUrl: "https://github.com/nats-io/nats-server/releases/download",
  pins: {
    "linux-amd64": pin("2.15.0", "5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92"),
    "linux-arm64": pin("2.15.0", "cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112"),
    "darwin-amd64": pin("2.15.0", "5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95"),
    "darwin-arm64": pin("2.15.0", "e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8"),
    // No second source for these at a newer release.
    "linux-arm7": pin("2.10.29", "a59e7336a32ef78b0ca8bc3e6707a5770461d3f45c4c2f96cfef263f26eaefd5"),
    "linux-386": pin("2.10.29", "abc385394c19784558f7aa2f9770fe2daceb22cf95e3fa398c832590479396b0"),
    "linux-s390x": pin("2.10.29", "ee821b1eae8bb98a0d4603510a41613dd15afef244261a79da33515699d1aece"),
    "linux-ppc64le": pin("2.10.29", "31b0063d261e5d8c59396f8a3f9298ad80b36fd4bc370ce59e5d160f55a0fe46"),
  },
};

/** The makers of nats-server mend the current minor release and the one before it. */
export const OLDEST_SUPPORTED = "2.14.0";

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm7",
  ia32: "386",
  s390x: "s390x",
  ppc64: "ppc64le",
};

/** The platform's name in the file names of releases, or undefined when there is none. */
export function releasePlatform(platform: string = process.platform, arch: string = process.arch): string | undefined {
  const name = ARCHITECTURES[arch];
  return name === undefined ? undefined : `${platform}-${name}`;
}

function pin(version: string, sha256: string): Pin {
  return { version, sha256 };
}
