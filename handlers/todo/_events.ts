// What is published about to-dos. Publishers and handlers share these; a name that starts with _ is never a handler.

import { defineEvent } from "nats-handlers";
import { z } from "zod";

export const newItem = defineEvent("todo.newitem", z.object({ id: z.uuid(), item: z.string().min(1).max(200) }));

export const itemSaved = defineEvent("todo.itemsaved", z.object({ id: z.uuid() }));
