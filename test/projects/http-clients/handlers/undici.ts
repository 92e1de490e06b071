import { request } from "undici";
import { echoed } from "./_echo.ts";

export const metadata = { subject: "http-clients.undici", kind: "request" } as const;
export default () =>
  echoed(async (url) => ((await (await request(`${url}/undici`)).body.json()) as { asked: string }).asked);
