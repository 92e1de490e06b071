import { Piscina } from "piscina";

const pool = new Piscina({ filename: new URL("./_pool/square.ts", import.meta.url).href, maxThreads: 1 });

export const metadata = { subject: "piscina.square", kind: "request" } as const;
export const teardown = () => pool.destroy();
export default (n: number) => pool.run(n);
