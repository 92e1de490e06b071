// A real NestJS microservice on the NATS transport, and a real client of one. Decorators are called as the functions they are:
// this project's TypeScript has none.

import "reflect-metadata";
import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { Controller, Logger, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  type ClientProxy,
  ClientProxyFactory,
  Ctx,
  EventPattern,
  MessagePattern,
  type NatsContext,
  Payload,
  ServerNats,
  Transport,
} from "@nestjs/microservices";
import { firstValueFrom, lastValueFrom, type Observable, toArray } from "rxjs";

Logger.overrideLogger(false);

/** How long a method may take that has begun when its service is closed. */
const GRACE_MS = 200;

type Pattern = string | Readonly<Record<string, string>>;

export interface NestMethod {
  readonly on: "message" | "event";
  readonly pattern: Pattern;
  /** The queue group; undefined: none, so that every instance gets it. */
  readonly queue?: string | undefined;
  run(data: never, context: NatsContext): unknown;
}

export interface NestApp {
  /** Nothing more comes, what has come is answered, and the connection is closed. */
  drain(): Promise<void>;
}

export interface NestCaller {
  /** What the service answers: its last value. Rejects with what it throws. */
  send(pattern: Pattern, data: unknown): Promise<unknown>;
  /** All that the service answers. */
  sendForAll(pattern: Pattern, data: unknown): Observable<unknown>;
  /** Resolves when it is published. */
  emit(pattern: Pattern, data: unknown): Promise<void>;
  close(): Promise<void>;
}

export function startNestApp(url: string, methods: readonly NestMethod[]): Promise<NestApp> {
  return startNestController(url, controllerOf(methods));
}

export function startNestController(url: string, controller: new () => unknown): Promise<NestApp> {
  return startNestModule(url, moduleOf(controller));
}

export async function startNestModule(url: string, module: new () => unknown): Promise<NestApp> {
  const strategy = new DrainingNats({ servers: [url], gracefulShutdown: true, gracePeriod: GRACE_MS });
  const app = await NestFactory.createMicroservice(module, {
    strategy,
    logger: false,
    abortOnError: false,
  });
  await app.listen();
  await app.unwrap<NatsConnection>().flush();
  return { drain: () => app.close() };
}

/** As docs/moving-in.md has it: Nest alone drops what the server sends while it closes. */
class DrainingNats extends ServerNats {
  override async close(): Promise<void> {
    const { subscriptions } = this as unknown as { readonly subscriptions: readonly Subscription[] };
    await Promise.all(subscriptions.map((subscription) => subscription.drain()));
    await super.close();
  }
}

export async function nestCaller(url: string): Promise<NestCaller> {
  const client: ClientProxy = ClientProxyFactory.create({ transport: Transport.NATS, options: { servers: [url] } });
  await client.connect();
  return {
    send: (pattern, data) => lastValueFrom(client.send(pattern, data), { defaultValue: undefined }),
    sendForAll: (pattern, data) => client.send(pattern, data),
    emit: (pattern, data) => firstValueFrom(client.emit(pattern, data), { defaultValue: undefined }),
    close: () => client.close(),
  };
}

export function allOf(values: Observable<unknown>): Promise<unknown[]> {
  return lastValueFrom(values.pipe(toArray()));
}

function controllerOf(methods: readonly NestMethod[]): new () => unknown {
  const controller = class {};
  for (const [index, { on, pattern, queue, run }] of methods.entries()) {
    const name = `method${index}`;
    // A pattern is metadata of its function: each has one of its own.
    const value = (data: never, context: NatsContext) => run(data, context);
    const descriptor = { value, writable: true, configurable: true };
    Object.defineProperty(controller.prototype, name, descriptor);
    const extras = queue === undefined ? {} : { queue };
    const decorate = on === "message" ? MessagePattern(pattern, extras) : EventPattern(pattern, extras);
    decorate(controller.prototype, name, descriptor);
    Payload()(controller.prototype, name, 0);
    Ctx()(controller.prototype, name, 1);
  }
  Controller()(controller);
  return controller;
}

function moduleOf(controller: new () => unknown): new () => unknown {
  const module = class {};
  Module({ controllers: [controller] })(module);
  return module;
}
