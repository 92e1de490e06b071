import { type } from "arktype";

export const metadata = { subject: "schemas.arktype", kind: "request", schema: type({ n: "number >= 3" }) } as const;
export default ({ n }: { n: number }) => n;
