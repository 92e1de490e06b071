// What handlers did while the test runtime ran.

import type { HandlerLine, HandlerMessage } from "../../sdk/testing.ts";
import type { RuntimeEvent } from "../events.ts";
import type { HandlerCall } from "../message/handler-call.ts";
import { messageOf } from "./observed.ts";

export class Heard {
  private readonly lines: HandlerLine[] = [];
  private readonly messages: HandlerMessage[] = [];

  event(event: RuntimeEvent): void {
    if (event.type !== "handler.log") return;
    const { handler, level, message, fields = {} } = event;
    this.lines.push({ handler, level, message, fields });
  }

  call(call: HandlerCall): void {
    this.messages.push({ ...messageOf(call), handler: call.handler, kind: call.kind });
  }

  linesOf(handler: string | undefined): HandlerLine[] {
    return this.lines.filter((line) => handler === undefined || line.handler === handler);
  }

  messagesOf(
    kind: HandlerMessage["kind"],
    target: string | { readonly subject: string } | undefined,
  ): HandlerMessage[] {
    const subject = typeof target === "object" ? target.subject : target;
    return this.messages.filter((sent) => sent.kind === kind && (subject === undefined || sent.subject === subject));
  }
}
