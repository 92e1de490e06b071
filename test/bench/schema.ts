// The schema of work.ts's payloads; SCHEMA_SOURCE there is the same.

import { z } from "zod";

export const benchSchema = z.object({ id: z.uuid(), item: z.string().min(1).max(100_000) });
