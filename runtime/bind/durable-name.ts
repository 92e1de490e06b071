// What a handler is called inside JetStream, where names may hold neither dots nor slashes.

/** Name of the durable consumer. The same on every replica and in every version of the handler. */
export function durableNameOf(app: string, handler: string): string {
  return `${app}-${handler}`.replace(/[^A-Za-z0-9_-]/g, "-");
}

/** The first two handlers whose durables would have the same name, or undefined. */
export function durableClash(app: string, handlers: Iterable<string>): readonly [string, string] | undefined {
  const owners = new Map<string, string>();
  for (const handler of handlers) {
    const durable = durableNameOf(app, handler);
    const owner = owners.get(durable);
    if (owner !== undefined && owner !== handler) return [owner, handler];
    owners.set(durable, handler);
  }
  return undefined;
}

/** A handler's name as the end of a subject: `todo/save` is `todo.save`. */
export function handlerTokens(handler: string): string {
  return handler.replaceAll("/", ".");
}
