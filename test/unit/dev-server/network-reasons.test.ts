import { describe, expect, it } from "vitest";
import { failedFetch } from "../../../runtime/dev-server/server-download.ts";
import { listsNotFetched } from "../../../runtime/dev-server/server-package.ts";

const URL_OF_ARCHIVE = "https://example.com/v2.15.0/nats-server.tar.gz";

function fetchFailed(cause: unknown): Error {
  return new TypeError("fetch failed", { cause });
}

describe("a download", () => {
  it("that finds no network names the host and the reason", () => {
    const cause = Object.assign(new Error("getaddrinfo ENOTFOUND example.com"), { code: "ENOTFOUND" });
    expect(failedFetch(URL_OF_ARCHIVE, fetchFailed(cause))).toEqual({
      kind: "failed",
      why: "example.com cannot be reached: getaddrinfo ENOTFOUND example.com",
      byNetwork: true,
    });
  });

  it("refused at all addresses of the host has a reason too: that error has a code and no message", () => {
    const cause = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
    expect(failedFetch(URL_OF_ARCHIVE, fetchFailed(cause)).why).toBe("example.com cannot be reached: ECONNREFUSED");
  });

  it("answered with an error is not the network's fault", () => {
    expect(failedFetch(URL_OF_ARCHIVE, new Error("HTTP status 404"))).toEqual({
      kind: "failed",
      why: `${URL_OF_ARCHIVE}: HTTP status 404`,
    });
  });
});

describe("package lists", () => {
  const offline = [
    "Err:1 http://mirror.example/debian bookworm InRelease",
    "  Temporary failure resolving 'mirror.example'",
    "Reading package lists...",
    "W: Failed to fetch http://mirror.example/debian/dists/bookworm/InRelease  Temporary failure resolving 'mirror.example'",
    "W: Some index files failed to download. They have been ignored, or old ones used instead.",
  ].join("\n");

  it("that no network brings are the reason, rather than a package that is not known without them", () => {
    expect(listsNotFetched(offline)).toEqual({
      kind: "failed",
      why: "no package list could be fetched: Temporary failure resolving 'mirror.example'",
      byNetwork: true,
    });
  });

  it("that are not on the mirror are told, and not laid to the network", () => {
    const output = "W: Failed to fetch http://mirror.example/dists/none/InRelease  404  Not Found [IP: 192.0.2.1 80]";
    expect(listsNotFetched(output)).toEqual({
      kind: "failed",
      why: "no package list could be fetched: 404  Not Found [IP: 192.0.2.1 80]",
    });
  });

  it("that were fetched are no reason", () => {
    expect(
      listsNotFetched("Get:1 http://mirror.example/debian bookworm InRelease [151 kB]\nReading package lists..."),
    ).toBe(undefined);
  });
});
