// What the server does not let this connection publish. Core NATS says so only in passing, some time after the publish.

import { errors, type NatsConnection } from "@nats-io/transport-node";
import { RuntimeError } from "../errors.ts";
import { answered } from "./answered.ts";

/**
 * Listen from now on. Returns a function to call after publishing: it waits for the server's word, and rejects
 * with NATS_REFUSED when that was against the subject.
 */
export function watchPermissionViolations(connection: NatsConnection): (subject: string) => Promise<void> {
  const denied = new Set<string>();
  const follow = async () => {
    for await (const status of connection.status()) {
      if (status.type === "error" && status.error instanceof errors.PermissionViolationError)
        denied.add(status.error.subject);
    }
  };
  follow().catch(() => undefined); // It ends with the connection.
  return async (subject) => {
    await answered(connection);
    if (!denied.has(subject)) return;
    throw new RuntimeError("NATS_REFUSED", `this connection may not publish to "${subject}"; nothing was sent`, {
      remedy: `Allow its user to publish to "${subject}".`,
    });
  };
}
