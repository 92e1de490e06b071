// What the process of a handler sees of the runtime's environment.
// @module-tag any-server

import { expect, it } from "vitest";
import { useStage } from "../support/runtime.ts";

const stage = useStage();

/** Everything the process of a handler can read of its environment, by name. */
const TELLS_ALL = `
  export const metadata = { subject: "environment", kind: "request", env: ["DATABASE_URL"] };
  export default () => ({ ...process.env });
`;

const SECRETS = {
  NATS_URL: "nats://ann:hidden@nats.example:4222",
  NATS_USER: "ann",
  NATS_PASSWORD: "hidden",
  NATS_TOKEN: "hidden",
  NATS_CREDS: "/run/secrets/hidden.creds",
  NATS_NKEY: "hidden",
  NATS_KEY: "/run/secrets/hidden.pem",
  HANDLERS_APP: "shop",
  OTHER_API_KEY: "hidden",
};

it("a handler sees what it declares and a base without secrets; NATS credentials and the rest stay with the runtime", async () => {
  await stage.start({
    handlers: { "tells.js": TELLS_ALL },
    environment: {
      ...SECRETS,
      DATABASE_URL: "postgres://db",
      TZ: "Asia/Kathmandu",
      LC_ALL: "C.UTF-8",
      LANG: "C.UTF-8",
    },
  });
  const { value } = await stage.client.ask("environment");
  const { PATH, ...seen } = value as Record<string, string>;
  expect(PATH).toBe(process.env.PATH);
  expect(seen).toEqual({
    DATABASE_URL: "postgres://db",
    TZ: "Asia/Kathmandu",
    LC_ALL: "C.UTF-8",
    LANG: "C.UTF-8",
  });
});

it("one handler does not see what another declares", async () => {
  const other = TELLS_ALL.replace('"environment"', '"other"').replace("DATABASE_URL", "OTHER_API_KEY");
  await stage.start({
    handlers: { "tells.js": TELLS_ALL, "other.js": other },
    environment: { ...SECRETS, DATABASE_URL: "postgres://db" },
  });
  const seen = async (subject: string) => Object.keys((await stage.client.ask(subject)).value as object).sort();
  expect(await seen("environment")).toEqual(["DATABASE_URL", "PATH"]);
  expect(await seen("other")).toEqual(["OTHER_API_KEY", "PATH"]);
});

it("a variable that is missing fails its handler at start by name, and no other", async () => {
  const app = await stage.start({
    handlers: {
      "tells.js": TELLS_ALL,
      "fine.js": TELLS_ALL.replace('"environment"', '"fine"').replace(/, env.*]/, ""),
    },
  });
  const [failed] = app.told("handler.failed");
  expect(failed?.error).toMatchObject({
    code: "HANDLER_ENV_MISSING",
    message: 'handler "tells" needs DATABASE_URL in the environment',
  });
  expect((await stage.client.ask("fine")).code).toBe(0);
});

it("a handler that declares NATS credentials does not come up, and is told what to do", async () => {
  const app = await stage.start({
    handlers: { "tells.js": TELLS_ALL.replace("DATABASE_URL", "NATS_CREDS") },
    environment: SECRETS,
  });
  const [failed] = app.told("handler.failed");
  expect(failed?.error).toMatchObject({ code: "METADATA_INVALID", place: { file: "handlers/tells.js", line: 2 } });
  expect(failed?.error.message).toContain("NATS_*: handlers use its connection");
});
