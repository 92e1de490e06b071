// The trace context of a message, read from its headers and written into them by whatever propagator is registered.

import { type Context, propagation, ROOT_CONTEXT, type TextMapGetter, type TextMapSetter } from "@opentelemetry/api";
import { decodeHeaders, encodeHeaders, type HeaderPairs } from "../message/header-block.ts";

type Carrier = (readonly [name: string, value: string])[];

/** `headers`: encoded (deliver/header-block). */
export function contextIn(headers: Uint8Array | undefined): Context {
  return headers === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, decoded(headers), GETTER);
}

/** The headers with this context in the place of theirs. */
export function withContext(headers: Uint8Array | undefined, context: Context): Uint8Array {
  const carrier = headers === undefined ? [] : [...decoded(headers)];
  propagation.inject(context, carrier, SETTER);
  return encodeHeaders(carrier);
}

function decoded(headers: Uint8Array): HeaderPairs {
  return decodeHeaders(Buffer.from(headers.buffer, headers.byteOffset, headers.byteLength));
}

const GETTER: TextMapGetter<HeaderPairs> = {
  keys: (carrier) => carrier.map(([name]) => name),
  get(carrier, name) {
    const values = carrier.filter(([given]) => isSame(given, name)).map(([, value]) => value);
    return values.length === 0 ? undefined : values;
  },
};

const SETTER: TextMapSetter<Carrier> = {
  set(carrier, name, value) {
    const others = carrier.filter(([given]) => !isSame(given, name));
    carrier.splice(0, carrier.length, ...others, [name, value]);
  },
};

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
