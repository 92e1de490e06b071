// nestjs-jetstream: a controller with event patterns. It makes its own stream and consumer, as it is meant to be used.

import "reflect-metadata";
import { getJetStreamTransportToken, JetstreamServerModule } from "@horizon-republic/nestjs-jetstream";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { Ctx, EventPattern, Payload } from "@nestjs/microservices";
import { connect, JSONCodec } from "nats";
import { work } from "../work.mjs";

const { NATS_URL, NATS_USER: user, NATS_PASSWORD: pass, DEPLOYMENT } = process.env;
const { app: service, ledger, handlers } = JSON.parse(DEPLOYMENT);
const [{ by, subject, version, attempts, forward }] = handlers;
const login = user ? { user, pass } : {};

const nats = forward ? await connect({ servers: NATS_URL, maxReconnectAttempts: -1, ...login }) : undefined;
const publish = (id) => nats.jetstream().publish(forward, JSONCodec().encode({ id }));

class RowController {
  handle(message, context) {
    const attempt = context.getArgByIndex(0)?.info?.deliveryCount ?? 1;
    return work(message, { ledger, by, version, attempt, attempts, ...(forward && { forward: publish }) });
  }
}

// Its patterns have no wildcards: the subjects that the row publishes to, one by one. The decorators are called as the
// functions they are: Node does not know their syntax.
const subjects = subject.endsWith("*") ? [0, 1, 2, 3, 4].map((end) => subject.replace("*", `${end}`)) : [subject];
const handle = Object.getOwnPropertyDescriptor(RowController.prototype, "handle");
for (const [at, pattern] of subjects.entries()) {
  const method = `handle${at}`;
  Object.defineProperty(RowController.prototype, method, { ...handle, value: copyOf(handle.value) });
  EventPattern(pattern)(
    RowController.prototype,
    method,
    Object.getOwnPropertyDescriptor(RowController.prototype, method),
  );
  Payload()(RowController.prototype, method, 0);
  Ctx()(RowController.prototype, method, 1);
}
Controller()(RowController);

/** Patterns are metadata of a function: each needs one of its own. */
function copyOf(method) {
  return function handleCopy(...args) {
    return method.apply(this, args);
  };
}

class RowModule {}
Module({
  imports: [JetstreamServerModule.forRoot({ name: service, servers: [NATS_URL], ...login })],
  controllers: [RowController],
})(RowModule);

const context = await NestFactory.createMicroservice(RowModule, {
  inject: [getJetStreamTransportToken(service)],
  useFactory: ({ strategy }) => ({ strategy }),
  logger: ["error", "fatal"],
});
context.enableShutdownHooks();
await context.listen();
console.log("ready");
