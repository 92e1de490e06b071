// nestjs-jetstream: an event pattern on its own stream. It takes what it finds there when it starts, so each round stores
// the messages first and then starts the application. It acks each message before the handler has run, and has at most
// 100 of them unacknowledged; neither can be set.

import "reflect-metadata";
import { getJetStreamTransportToken, JetstreamServerModule } from "@horizon-republic/nestjs-jetstream";
import { streamConfig } from "@horizon-republic/nestjs-jetstream/dist/server/const/index.js";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { EventPattern, Payload } from "@nestjs/microservices";
import { connect } from "nats";
import { startProfile, stopProfile } from "../../measure/profile.ts";
import { serve } from "../../rpc.ts";
import { benchSchema } from "../../schema.ts";
import { payloadOf } from "../../work.ts";

const SERVICE = "bench";

// It asks for no compression by name, which servers before 2.10 refuse; not to ask comes to the same.
delete streamConfig.base.compression;

let options;
let nats;
let app;
let handled = 0;
let invalid = 0;

const validated = {
  transform(payload) {
    const result = benchSchema.safeParse(payload);
    if (result.success) return result.data;
    invalid++;
    throw new Error("invalid payload");
  },
};

class BenchController {
  event(_payload) {
    if (++handled % options.step === 0) nats.publish(options.progress);
  }
}

function decorate(subject) {
  EventPattern(subject)(
    BenchController.prototype,
    "event",
    Object.getOwnPropertyDescriptor(BenchController.prototype, "event"),
  );
  Payload(validated)(BenchController.prototype, "event", 0);
  Controller()(BenchController);
}

async function startApp() {
  class BenchModule {}
  Module({
    imports: [JetstreamServerModule.forRoot({ name: SERVICE, servers: [options.natsUrl], noAsyncTraces: true })],
    controllers: [BenchController],
  })(BenchModule);
  const context = await NestFactory.createMicroservice(BenchModule, {
    inject: [getJetStreamTransportToken(SERVICE)],
    useFactory: ({ strategy }) => ({ strategy }),
    logger: ["fatal"],
  });
  await context.listen();
  return context;
}

async function store({ subject, messages }) {
  const stored = `${SERVICE}__microservice.ev.${subject}`;
  for (let sent = 0; sent < messages; sent++) {
    nats.publish(stored, payloadOf(120, sent));
    if (sent % 1_000 === 0) await nats.flush();
  }
  // One more, for the server's word that it has them all.
  await nats.request(stored, payloadOf(120), { timeout: 30_000 });
}

serve({
  async start(given) {
    options = given;
    nats = await connect({ servers: given.natsUrl, noAsyncTraces: true });
    decorate(given.subject);
    app = await startApp(); // It makes its streams.
  },
  async again() {
    await app.close();
    handled = 0;
    await store(options);
    app = await startApp();
  },
  failures: () => (invalid === 0 ? [] : [`nestjs-jetstream: ${invalid} invalid payloads`]),
  startProfile,
  stopProfile,
  async close() {
    await app.close();
    await nats.close();
  },
});
