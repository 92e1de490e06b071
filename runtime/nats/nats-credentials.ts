// Credentials and certificates, from settings to what the client library takes. Files are read once before the first
// connect, so that a wrong path is an error of its own, and again at each connect, so that they can be rotated.

import { readFileSync } from "node:fs";
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  type TlsOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import type { NatsSettings } from "./nats-settings.ts";

export interface Credentials {
  readonly authenticator: Authenticator[];
  readonly tls: TlsOptions | undefined;
  /** How we log in, for messages, without what is secret: "as user "app"", "without credentials". */
  readonly shown: string;
}

/**
 * Throws CONFIG_UNREADABLE for a file that cannot be read and CONFIG_INVALID for one that holds no credentials.
 *
 * `onFault` hears, with file names but no secrets, when a later reading fails; the server then refuses that attempt.
 */
export function credentialsOf(settings: NatsSettings, onFault: (message: string) => void): Credentials {
  const { user, password, token, creds, nkey, tls } = settings;
  const authenticator: Authenticator[] = [];
  const shown: string[] = [];
  if (creds !== undefined) {
    shown.push(`with the credentials file ${creds}`);
    authenticator.push(
      guarded(
        credsAuthenticator(() => readBytes("credentials", creds)),
        creds,
        onFault,
      ),
    );
  }
  if (nkey !== undefined) {
    const isSeed = SEED.test(nkey);
    const source = isSeed ? "the nkey seed" : nkey;
    shown.push(isSeed ? "with an nkey" : `with the nkey file ${nkey}`);
    authenticator.push(
      guarded(
        nkeyAuthenticator(() => (isSeed ? Buffer.from(nkey) : readSeed(nkey))),
        source,
        onFault,
      ),
    );
  }
  if (token !== undefined) {
    shown.push("with a token");
    authenticator.push(tokenAuthenticator(token));
  }
  if (user !== undefined) {
    shown.push(`as user "${user}"`);
    authenticator.push(usernamePasswordAuthenticator(user, password));
  }
  return { authenticator, tls: tlsOf(tls), shown: shown.join(" and ") || "without credentials" };
}

const SEED = /^SU[A-Z2-7]{56}$/;

// Called in the client's reader, where a throw would stop the whole connection without a word (nats-facts, finding 1).
function guarded(inner: Authenticator, source: string, onFault: (message: string) => void): Authenticator {
  try {
    inner("proof");
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw new RuntimeError("CONFIG_INVALID", `${source} holds no usable NATS credentials: ${messageOf(error)}`, {
      remedy: "Give a file made by `nsc generate creds`, or a user's nkey seed (it starts with SU).",
    });
  }
  return (nonce) => {
    try {
      return inner(nonce);
    } catch (error) {
      return onFault(`cannot log in to NATS with ${source}: ${messageOf(error)}`);
    }
  };
}

function tlsOf(tls: NatsSettings["tls"]): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  const { ca, cert, key } = tls;
  if (ca !== undefined) readBytes("TLS authority", ca);
  if (cert !== undefined) readBytes("TLS certificate", cert);
  if (key !== undefined) readBytes("TLS key", key);
  return {
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(cert === undefined ? {} : { certFile: cert }),
    ...(key === undefined ? {} : { keyFile: key }),
  };
}

function readSeed(file: string): Uint8Array {
  const text = readBytes("nkey", file).toString("utf8");
  const seed = text.split(/\s+/).find((word) => SEED.test(word));
  if (seed === undefined) throw new Error("it has no user seed (SU...)");
  return Buffer.from(seed);
}

function readBytes(what: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new RuntimeError("CONFIG_UNREADABLE", `cannot read the NATS ${what} file "${file}": ${messageOf(error)}`, {
      remedy: "Correct the path, or make it readable for this user.",
      cause: error,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
