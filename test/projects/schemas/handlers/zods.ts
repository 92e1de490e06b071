// Two majors of one package in one handler.
import { z } from "zod";
import { z as z3 } from "zod3";

export const metadata = {
  subject: "schemas.zods",
  kind: "request",
  schema: z.object({ n: z.number().min(3) }),
} as const;
export default ({ n }: { n: number }) => [n, z3.string().safeParse(n).success, z.string().safeParse("x").success];
