import { expect, it } from "vitest";
import { cacheFolders } from "../../../runtime/dev-server/cache-folder.ts";

it("fetched servers are kept in the user's cache, else in a folder of this user in the temporary one", () => {
  expect(cacheFolders({ HOME: "/home/ann", TMPDIR: "/var/tmp" }, 1000)).toEqual([
    { kind: "home", path: "/home/ann/.cache/nats-handlers" },
    { kind: "temporary", path: "/var/tmp/nats-handlers-1000" },
  ]);
  expect(cacheFolders({ HOME: "/home/ann", XDG_CACHE_HOME: "/cache" }, 1000)[0]?.path).toBe("/cache/nats-handlers");
});

it("where HANDLERS_CACHE_DIR names a folder, no other is used", () => {
  const env = { HANDLERS_CACHE_DIR: "/srv/cache", HOME: "/home/ann" };
  expect(cacheFolders(env, 1000)).toEqual([{ kind: "named", path: "/srv/cache" }]);
});
