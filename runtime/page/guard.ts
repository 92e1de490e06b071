// Whether a request is let in. Pure.
//
// G1  Host is one of an exact list, on every path: a name that an attacker points at this machine is not in it.
// G2  An Origin that is sent is this page's own, and Sec-Fetch-Site does not say otherwise. Whatever changes something says
//     its Origin or comes from a program that is no browser.
// G3  What is below /api carries the token. A browser sends it with nothing by itself, as it would a cookie, so no other
//     page can use it; and cookies know no ports, so every program on this machine would be sent it.
// G4  A body is JSON and says so: what a form can send is not taken.

import { createHash, timingSafeEqual } from "node:crypto";

export interface Asked {
  readonly method: string;
  readonly path: string;
  header(name: string): string | undefined;
}

export interface Gate {
  /** With their ports, in small letters. */
  readonly hosts: ReadonlySet<string>;
  readonly token: string;
}

export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly status: 400 | 401 | 403 | 415 | 421; readonly why: string };

const OK: Verdict = { ok: true };

export function judge(asked: Asked, { hosts, token }: Gate): Verdict {
  const host = asked.header("host")?.toLowerCase();
  if (host === undefined || !hosts.has(host)) return no(421, "this page is not served under that name");
  const origin = asked.header("origin");
  if (origin !== undefined && !isOwn(origin, host)) return no(403, "another page may not ask here");
  const site = asked.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin" && site !== "none" && asked.path.startsWith("/api/"))
    return no(403, "another page may not ask here");
  if (!asked.path.startsWith("/api/")) return OK;
  if (!isSame(asked.header("authorization"), `Bearer ${token}`))
    return no(401, "the token is missing, or of an earlier start");
  if (asked.method === "GET") return OK;
  const type = asked.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  return type === "application/json" ? OK : no(415, "a body here is application/json");
}

function no(status: Exclude<Verdict, { ok: true }>["status"], why: string): Verdict {
  return { ok: false, status, why };
}

/** Of a proxy that adds TLS it is https. */
function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

/** Takes as long for any wrong one. */
function isSame(given: string | undefined, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given ?? ""), digest(wanted));
}
