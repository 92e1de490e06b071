// Who is let in: every refusal of guard.ts, asked of every route there is, so that a new one cannot be forgotten.

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Asked, judge } from "../../../runtime/page/guard.ts";
import { ownHosts } from "../../../runtime/page/page-server.ts";
import { ACTION_ROUTES, READS } from "../../../runtime/page/routes.ts";

const TOKEN = "a-token";
const gate = { hosts: new Set(ownHosts("127.0.0.1", 4280)), token: TOKEN };
const GOOD = {
  host: "127.0.0.1:4280",
  authorization: `Bearer ${TOKEN}`,
  "content-type": "application/json",
  origin: "http://127.0.0.1:4280",
  "sec-fetch-site": "same-origin",
};

function asked(method: string, path: string, headers: Readonly<Record<string, string | undefined>>): Asked {
  return { method, path, header: (name) => headers[name] };
}

const ROUTES = [
  ...READS.map(({ path }) => ["GET", path] as const),
  ["GET", "/api/live"] as const,
  ...ACTION_ROUTES.map(({ path }) => ["POST", path] as const),
];

describe.each(ROUTES)("%s %s", (method, path) => {
  const verdictOf = (changes: Readonly<Record<string, string | undefined>>) =>
    judge(asked(method, path, { ...GOOD, ...changes }), gate);

  it("lets the page in", () => {
    expect(verdictOf({})).toEqual({ ok: true });
    expect(verdictOf({ host: "localhost:4280", origin: "http://localhost:4280" })).toEqual({ ok: true });
    expect(verdictOf({ host: "[::1]:4280", origin: "http://[::1]:4280" })).toEqual({ ok: true });
  });

  it.each([
    ["no host", undefined],
    ["another port", "127.0.0.1:4281"],
    ["no port", "127.0.0.1"],
    ["a name that begins like an address", "127.0.0.1.attacker.example:4280"],
    ["a name that was pointed here", "attacker.example:4280"],
    ["a name within another", "localhost:4280.attacker.example"],
    ["another address of this machine", "127.0.0.2:4280"],
  ])("refuses a host with %s", (_name, host) => {
    expect(verdictOf({ host, origin: undefined })).toMatchObject({ ok: false, status: 421 });
  });

  it("refuses a rebound name although its origin is the same", () => {
    const host = "attacker.example:4280";
    expect(verdictOf({ host, origin: `http://${host}` })).toMatchObject({ ok: false, status: 421 });
  });

  it.each([
    "http://attacker.example",
    "null",
    "http://127.0.0.1:9999",
    "http://localhost:4280",
    "http://127.0.0.1:4280.attacker.example",
  ])("refuses the origin %s", (origin) => {
    expect(verdictOf({ origin })).toMatchObject({ ok: false, status: 403 });
  });

  it.each(["cross-site", "same-site"])("refuses what a browser says is %s", (site) => {
    expect(verdictOf({ origin: undefined, "sec-fetch-site": site })).toMatchObject({ ok: false, status: 403 });
  });

  it.each([undefined, "", "Bearer", "Bearer ", "Bearer A-TOKEN", TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN} `])(
    "refuses the authorization %j",
    (authorization) => {
      expect(verdictOf({ authorization })).toMatchObject({ ok: false, status: 401 });
    },
  );
});

it.each(ACTION_ROUTES.map(({ path }) => path))("%s takes no body that a form can send", (path) => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", undefined]) {
    const verdict = judge(asked("POST", path, { ...GOOD, "content-type": type }), gate);
    expect(verdict).toMatchObject({ ok: false, status: 415 });
  }
});

it("the page itself needs no token, and the host all the same", () => {
  expect(judge(asked("GET", "/letters/1", { host: GOOD.host }), gate)).toEqual({ ok: true });
  expect(judge(asked("GET", "/", { host: "attacker.example:4280" }), gate)).toMatchObject({ ok: false });
});

it("a server that listens everywhere has the names of this machine, and no others", () => {
  const hosts = ownHosts("0.0.0.0", 80);
  expect(hosts).toContain("127.0.0.1:80");
  expect(hosts.every((host) => host.endsWith(":80"))).toBe(true);
  expect(hosts).not.toContain(`${createHash("md5").update("x").digest("hex")}:80`);
});
