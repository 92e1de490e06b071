// The frameworks we are compared with. Each is a small program in peers/, with packages of its own, that takes the
// commands of the raw client's program and does the same work.

import { plain, type Wire } from "./processes/wire.ts";

export interface Peer {
  readonly name: string;
  readonly label: string;
  readonly url: URL;
  readonly event: Wire;
  readonly request: Wire;
}

const FOLDER = new URL("./peers/", import.meta.url);

const NESTJS: Peer = {
  name: "nestjs",
  label: "NestJS microservices",
  url: new URL("nestjs.mjs", FOLDER),
  event: plain("bench.nestjs.event"),
  // Without an id it takes a request for an event.
  request: { subject: "bench.nestjs.ask", template: '{"pattern":"bench.nestjs.ask","id":"$ID","data":$DATA}' },
};

const MOLECULER_HEAD = '{"ver":"5","sender":"asker","id":"$ID","meta":{},"level":1,"tracing":false';

const MOLECULER: Peer = {
  name: "moleculer",
  label: "Moleculer",
  url: new URL("moleculer.mjs", FOLDER),
  event: {
    subject: "MOL.EVENT.bench",
    template: `${MOLECULER_HEAD},"event":"bench.event","groups":["bench"],"broadcast":false,"data":$DATA}`,
  },
  request: {
    subject: "MOL.REQ.bench",
    template: `${MOLECULER_HEAD},"action":"bench.ask","params":$DATA}`,
    repliesTo: "MOL.RES.asker",
  },
};

export const PEERS: readonly Peer[] = [NESTJS, MOLECULER];

export const NESTJS_JETSTREAM = {
  label: "nestjs-jetstream",
  url: new URL("nestjs-jetstream/main.mjs", FOLDER),
} as const;
