import * as v from "valibot";

export const metadata = {
  subject: "schemas.valibot",
  kind: "request",
  schema: v.object({ n: v.pipe(v.number(), v.minValue(3)) }),
} as const;
export default ({ n }: { n: number }) => n;
