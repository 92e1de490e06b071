// Fetches the official nats-server release for this platform. Nothing is run that does not match its pinned SHA-256.

import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Clock } from "../clock.ts";
import type { Pin } from "./official-releases.ts";
import type { Failed } from "./server-probe.ts";

export interface DownloadRequest {
  readonly baseUrl: string;
  readonly platform: string;
  readonly pin: Pin;
  readonly clock: Clock;
}

const ANSWER_LIMIT_MS = 4_000;
const DOWNLOAD_LIMIT_MS = 120_000;

export type Download = { readonly kind: "downloaded"; readonly binary: Uint8Array } | Failed;

/** Never rejects; gives up when the server does not answer within 4 s, or the whole takes more than 2 minutes. */
export async function downloadRelease({ baseUrl, platform, pin, clock }: DownloadRequest): Promise<Download> {
  const archiveName = `nats-server-v${pin.version}-${platform}`;
  const url = `${baseUrl}/v${pin.version}/${archiveName}.tar.gz`;
  try {
    const archive = await fetchBytes(url, clock);
    const found = createHash("sha256").update(archive).digest("hex");
    if (found !== pin.sha256) {
      return { kind: "failed", why: `${url} has the SHA-256 ${found}, but ${pin.sha256} is pinned` };
    }
    const binary = fileInTar(await promisify(gunzip)(archive), `${archiveName}/nats-server`);
    if (binary === undefined) return { kind: "failed", why: `${url} holds no nats-server` };
    return { kind: "downloaded", binary };
  } catch (error) {
    return failedFetch(url, error);
  }
}

class NoAnswer extends Error {}

async function fetchBytes(url: string, clock: Clock): Promise<Uint8Array> {
  const abort = new AbortController();
  const answer = clock.after(ANSWER_LIMIT_MS, () =>
    abort.abort(new NoAnswer(`no answer within ${ANSWER_LIMIT_MS} ms`)),
  );
  const whole = clock.after(DOWNLOAD_LIMIT_MS, () => abort.abort(new NoAnswer(`not done in ${DOWNLOAD_LIMIT_MS} ms`)));
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

const NETWORK_CODES: ReadonlySet<string> = new Set([
  ...["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "ENETDOWN", "EHOSTUNREACH"],
  ...["ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_SOCKET"],
]);

/** What `fetch` rejected with, in words, and whether the network is the reason. */
export function failedFetch(url: string, error: unknown): Failed {
  // `fetch` says only "fetch failed": the reason is its cause, and the cause of several addresses has a code and no message.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  const reason = cause instanceof Error ? cause.message || code || cause.name : String(cause);
  if (cause instanceof NoAnswer || (code !== undefined && NETWORK_CODES.has(code))) {
    return { kind: "failed", why: `${new URL(url).host} cannot be reached: ${reason}`, byNetwork: true };
  }
  return { kind: "failed", why: `${url}: ${reason}` };
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
