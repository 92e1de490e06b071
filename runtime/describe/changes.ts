// What a change of an app breaks, and for whom: its document before and after. Pure.
//
// C1  Who sends to a handler goes on sending what it did: what a handler takes may become wider, not narrower.
// C2  Who listens to an app goes on reading as it did: what is published may become narrower, not wider.
// C3  A request that nobody answers any more breaks those who ask. A subscriber that goes breaks nobody who publishes.
// C4  Who asks goes on reading replies as it did: a reply may become narrower, not wider.
// C5  Who sends to a handler wraps messages as it did.
//
// C1 and C2 hold of one schema as well: an event that a handler publishes and another one takes is judged twice.

import type { AsyncApiDocument, Operation } from "./asyncapi.ts";
import { type Finding, notAllowed } from "./not-allowed.ts";
import type { JsonSchema } from "./schema-parts.ts";

export interface Break {
  readonly subject: string;
  /** Whom it breaks. */
  readonly breaks: "senders" | "subscribers" | "requesters";
  /** Place in the message; empty: all of it. */
  readonly path: string;
  readonly rule: string;
  readonly text: string;
}

export function breaksBetween(before: AsyncApiDocument, after: AsyncApiDocument): Break[] {
  return [...takenBreaks(before, after), ...sentBreaks(before, after)];
}

/** C1. By handler: one whose subject changes is gone from the old one. */
function takenBreaks(before: AsyncApiDocument, after: AsyncApiDocument): Break[] {
  const takenNow = receiving(after);
  return receiving(before).flatMap(([, old]) => {
    const subject = subjectOf(before, old);
    const { name } = old["x-handler"];
    const found = takenNow.find(([, one]) => one["x-handler"].name === name && subjectOf(after, one) === subject);
    const now = found?.[1];
    const gone = (text: string): Break[] => [{ subject, breaks: "senders", path: "", rule: "removed", text }];
    const isRequest = old["x-handler"].kind === "request";
    if (now === undefined)
      return isRequest && !answers(after, subject) ? gone("is answered by no handler any more") : [];
    if (isRequest && now["x-handler"].kind !== "request") return gone("is not answered any more");
    return [
      ...envelopeBreaks(subject, old, now),
      ...notAllowed(schemaOf(after, now), schemaOf(before, old)).map((found) => asBreak(subject, "senders", found)),
      ...replyFindings(before, old, after, now).map((found) => asBreak(subject, "requesters", found)),
    ];
  });
}

/** C5. */
function envelopeBreaks(subject: string, old: Operation, now: Operation): Break[] {
  const { envelope } = now["x-handler"];
  if (old["x-handler"].envelope === envelope) return [];
  const text =
    envelope === undefined ? "is taken without an envelope now" : `is taken in the envelope "${envelope}" now`;
  return [{ subject, breaks: "senders", path: "", rule: "envelope", text }];
}

/** C4. */
function replyFindings(before: AsyncApiDocument, old: Operation, after: AsyncApiDocument, now: Operation): Finding[] {
  return old.reply === undefined
    ? []
    : notAllowed(schemaOf(before, old.reply), schemaOf(after, now.reply ?? { messages: [] }));
}

/** C2. */
function sentBreaks(before: AsyncApiDocument, after: AsyncApiDocument): Break[] {
  const sentNow = sending(after);
  return sending(before).flatMap(([, old]) => {
    const subject = subjectOf(before, old);
    const now = sentNow.filter(([, operation]) => subjectOf(after, operation) === subject);
    if (now.length === 0)
      return [
        { subject, breaks: "subscribers", path: "", rule: "removed", text: "is published by no handler any more" },
      ];
    return now.flatMap(([, operation]) =>
      notAllowed(schemaOf(before, old), schemaOf(after, operation)).map((finding) =>
        asBreak(subject, "subscribers", finding),
      ),
    );
  });
}

function asBreak(subject: string, breaks: Break["breaks"], { path, rule, text }: Finding): Break {
  return { subject, breaks, path, rule, text };
}

function receiving({ operations }: AsyncApiDocument): [string, Operation][] {
  return Object.entries(operations).filter(([, { action }]) => action === "receive");
}

function sending({ operations }: AsyncApiDocument): [string, Operation][] {
  return Object.entries(operations).filter(([, { action }]) => action === "send");
}

function answers(document: AsyncApiDocument, subject: string): boolean {
  return receiving(document).some(
    ([, operation]) => operation["x-handler"].kind === "request" && subjectOf(document, operation) === subject,
  );
}

function subjectOf({ channels }: AsyncApiDocument, { channel }: Operation): string {
  const [id = ""] = wordsOf(channel.$ref).slice(-1);
  return channels[id]?.address ?? id;
}

/** Without one anything goes. */
function schemaOf({ components }: AsyncApiDocument, { messages }: Pick<Operation, "messages">): JsonSchema {
  const [id = ""] = wordsOf(messages[0]?.$ref ?? "").slice(-1);
  return components.messages[id]?.payload?.schema ?? true;
}

function wordsOf(reference: string): string[] {
  return reference
    .replace(/^#\//, "")
    .split("/")
    .map((word) => decodeURIComponent(word).replace(/~1/g, "/").replace(/~0/g, "~"));
}
