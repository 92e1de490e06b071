// What a constructor is given is found by its type.
import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { Orders, Shop } from "./_module.ts";

const shop = NestFactory.createApplicationContext(Shop, { logger: false });

export const metadata = { subject: "nest.total", kind: "request" } as const;
export default async () => (await shop).get(Orders).total(["tea", "milk"]);
