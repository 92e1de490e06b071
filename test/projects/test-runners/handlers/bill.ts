import type { Context } from "nats-handlers";
import { z } from "zod";

export const metadata = {
  subject: "orders.placed",
  kind: "durable",
  schema: z.object({ id: z.string() }),
  retry: { attempts: 2, backoff: ["10ms"] },
} as const;

export default async ({ id }: { id: string }, ctx: Context) => {
  if (id === "broke") throw new Error("card declined");
  await ctx.publish("orders.billed", { id });
};
