// The process of other-process.ts: parses, validates, answers.

import { Socket } from "node:net";
import { benchSchema } from "../schema.ts";
import { REPLY } from "../work.ts";
import { frameOf, onFrames } from "./other-process.ts";

const INVALID = new Uint8Array();
const utf8 = new TextEncoder();
const socket = new Socket({ fd: 3 });

onFrames(socket, (number, data) => {
  const result = benchSchema.safeParse(JSON.parse(data.toString()));
  socket.write(frameOf(number, result.success ? utf8.encode(JSON.stringify(REPLY)) : INVALID));
});
socket.on("close", () => process.exit(0));
process.on("SIGINT", () => undefined); // It ends with its socket.
