// Fetches the official nats-server release for this platform. Nothing is run that does not match its pinned SHA-256.

import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Clock } from "../clock.ts";

export interface ReleaseSource {
  /** Folder of the release's files, without a slash at the end. */
  readonly baseUrl: string;
  readonly version: string;
  /** SHA-256 of the archive, by `<os>-<arch>` as the release names them. */
  readonly pins: Readonly<Record<string, string>>;
}

export const OFFICIAL_RELEASE: ReleaseSource = {
  baseUrl: "https://github.com/nats-io/nats-server/releases/download/v2.10.29",
  version: "2.10.29",
  pins: {
    "linux-amd64": "e314da74a83a1d3876db8814c27eb990fe729640fd6452025b441bcede8390da",
    "linux-arm64": "da4b27942ecfb4c5f0c54553d2e7f470ddda9d7581cfe8131b351a0e223ed401",
    "linux-arm7": "a59e7336a32ef78b0ca8bc3e6707a5770461d3f45c4c2f96cfef263f26eaefd5",
    "linux-386": "abc385394c19784558f7aa2f9770fe2daceb22cf95e3fa398c832590479396b0",
    "linux-s390x": "ee821b1eae8bb98a0d4603510a41613dd15afef244261a79da33515699d1aece",
    "linux-ppc64le": "31b0063d261e5d8c59396f8a3f9298ad80b36fd4bc370ce59e5d160f55a0fe46",
  },
};

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm7",
  ia32: "386",
  s390x: "s390x",
  ppc64: "ppc64le",
};

const ANSWER_LIMIT_MS = 4_000;
const DOWNLOAD_LIMIT_MS = 120_000;

/** The platform's name in the release's file names, or undefined when there is none. */
export function releasePlatform(platform: string = process.platform, arch: string = process.arch): string | undefined {
  const name = ARCHITECTURES[arch];
  return name === undefined ? undefined : `${platform}-${name}`;
}

export type Download =
  | { readonly kind: "downloaded"; readonly binary: Uint8Array }
  | { readonly kind: "failed"; readonly why: string };

/** Never rejects; gives up when the server does not answer within 4 s, or the whole takes more than 2 minutes. */
export async function downloadRelease(release: ReleaseSource, clock: Clock): Promise<Download> {
  const platform = releasePlatform();
  const pin = platform === undefined ? undefined : release.pins[platform];
  if (pin === undefined) {
    return { kind: "failed", why: `no pinned release for ${process.platform} on ${process.arch}` };
  }
  const archiveName = `nats-server-v${release.version}-${platform}`;
  const url = `${release.baseUrl}/${archiveName}.tar.gz`;
  try {
    const archive = await fetchBytes(url, clock);
    const found = createHash("sha256").update(archive).digest("hex");
    if (found !== pin) return { kind: "failed", why: `${url} has the SHA-256 ${found}, but ${pin} is pinned` };
    const binary = fileInTar(await promisify(gunzip)(archive), `${archiveName}/nats-server`);
    if (binary === undefined) return { kind: "failed", why: `${url} holds no nats-server` };
    return { kind: "downloaded", binary };
  } catch (error) {
    return { kind: "failed", why: `${url}: ${causeOf(error)}` };
  }
}

async function fetchBytes(url: string, clock: Clock): Promise<Uint8Array> {
  const abort = new AbortController();
  const answer = clock.after(ANSWER_LIMIT_MS, () => abort.abort(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`)));
  const whole = clock.after(DOWNLOAD_LIMIT_MS, () => abort.abort(new Error(`not done in ${DOWNLOAD_LIMIT_MS} ms`)));
  try {
    const response = await fetch(url, { signal: abort.signal });
    answer.cancel();
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } finally {
    answer.cancel();
    whole.cancel();
  }
}

// `fetch` says only "fetch failed"; the reason is in its cause.
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

const BLOCK = 512;

/** The bytes of one regular file of a tar archive. A header is one block: name at 0, octal size at 124. */
function fileInTar(tar: Uint8Array, wanted: string): Uint8Array | undefined {
  const text = (from: number, length: number) =>
    Buffer.from(tar.buffer, tar.byteOffset + from, length).toString("latin1");
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const name = text(at, 100).replace(/\0.*$/s, "");
    if (name === "") return undefined;
    const size = Number.parseInt(text(at + 124, 12), 8);
    if (!Number.isSafeInteger(size)) return undefined;
    if (name.replace(/^\.\//, "") === wanted) return tar.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}
