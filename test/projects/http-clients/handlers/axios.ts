import axios from "axios";
import { echoed } from "./_echo.ts";

export const metadata = { subject: "http-clients.axios", kind: "request" } as const;
export default () => echoed(async (url) => (await axios.get(`${url}/axios`)).data.asked);
