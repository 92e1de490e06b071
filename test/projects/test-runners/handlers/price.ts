import { z } from "zod";

export const metadata = { subject: "orders.price", kind: "request", schema: z.object({ item: z.string() }) } as const;

export default ({ item }: { item: string }) => ({ item, cents: 250 });
