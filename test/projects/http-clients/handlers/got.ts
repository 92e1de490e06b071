import got from "got";
import { echoed } from "./_echo.ts";

export const metadata = { subject: "http-clients.got", kind: "request" } as const;
export default () => echoed(async (url) => (await got(`${url}/got`).json<{ asked: string }>()).asked);
