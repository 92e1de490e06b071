import OpenAI from "openai";
import { echoed } from "./_echo.ts";

export const metadata = { subject: "http-clients.openai", kind: "request" } as const;
export default () =>
  echoed(async (baseURL) => new OpenAI({ apiKey: "none", baseURL }).get<unknown, { asked: string }>("/models")).then(
    ({ asked }) => asked,
  );
