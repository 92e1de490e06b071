// Where messages of a durable are asked for.

import { apiPrefix } from "../nats/api-prefix.ts";

export function pullSubject(place: {
  readonly domain?: string | undefined;
  readonly stream: string;
  readonly durable: string;
}): string {
  return `${apiPrefix(place.domain)}.CONSUMER.MSG.NEXT.${place.stream}.${place.durable}`;
}
