// An error as fields of a JSON line; its message is that of the line.

import { formatPlace, type RuntimeError } from "../errors.ts";
import type { Fields } from "./event-row.ts";

export function errorFields({ code, handler, place, frame, remedy, stack }: RuntimeError): Fields {
  return { code, handler, place: place === undefined ? undefined : formatPlace(place), frame, remedy, stack };
}
