// NestJS with its NATS transport: a controller with an event pattern and a message pattern, validated by a pipe. The
// decorators are called as the functions they are: Node does not know their syntax.

import "reflect-metadata";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { EventPattern, MessagePattern, Payload, RpcException, Transport } from "@nestjs/microservices";
import { startProfile, stopProfile } from "../measure/profile.ts";
import { serve } from "../rpc.ts";
import { REPLY } from "../work.ts";
import { openTally } from "./contender.mjs";

let tally;
let app;

const validated = {
  transform(payload) {
    try {
      return tally.validate(payload);
    } catch (error) {
      throw new RpcException(error.message);
    }
  },
};

class BenchController {
  event(_payload) {
    tally.count();
  }

  ask(_payload) {
    return REPLY;
  }
}

class BenchModule {}

function decorate(works) {
  const subjectOf = (does) => works.find((work) => work.does === does).subject;
  const method = (name) => [
    BenchController.prototype,
    name,
    Object.getOwnPropertyDescriptor(BenchController.prototype, name),
  ];
  EventPattern(subjectOf("count"))(...method("event"));
  MessagePattern(subjectOf("reply"))(...method("ask"));
  for (const name of ["event", "ask"]) Payload(validated)(BenchController.prototype, name, 0);
  Controller()(BenchController);
  Module({ controllers: [BenchController] })(BenchModule);
}

serve({
  async start({ natsUrl, works }) {
    tally = await openTally(natsUrl, works);
    decorate(works);
    app = await NestFactory.createMicroservice(BenchModule, {
      transport: Transport.NATS,
      options: { servers: [natsUrl], noAsyncTraces: true },
      logger: ["fatal"],
    });
    await app.listen();
  },
  failures: () => tally.failures(),
  startProfile,
  stopProfile,
  async close() {
    await app.close();
    await tally.close();
  },
});
