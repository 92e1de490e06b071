import { letter } from "@acme/mail";
import { titled } from "@acme/shared";
import { euros } from "@acme/shared/money";
import * as z from "zod";

export const metadata = {
  subject: "pnpm-workspace.total",
  kind: "request",
  schema: z.object({ cents: z.number() }),
} as const;
export default ({ cents }: { cents: number }) => [titled(cents), euros(cents), letter("order", { name: "Ada" })];
