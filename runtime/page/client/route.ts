// Which address shows what. Pure.

export type Route =
  | { readonly view: "handlers" }
  | { readonly view: "handler"; readonly name: string }
  | { readonly view: "map" }
  | { readonly view: "messages" }
  | { readonly view: "message"; readonly key: string }
  | { readonly view: "way" }
  | { readonly view: "letters" }
  | { readonly view: "letter"; readonly id: number }
  | { readonly view: "streams" }
  | { readonly view: "send" }
  | { readonly view: "missing"; readonly path: string };

export function routeOf(path: string): Route {
  const [first = "", ...rest] = path.split("/").slice(1).map(decoded);
  const name = rest.join("/");
  if (first === "" || (first === "handlers" && name === "")) return { view: "handlers" };
  if (first === "handlers") return { view: "handler", name };
  if (first === "messages") return name === "" ? { view: "messages" } : { view: "message", key: name };
  if (first === "letters" && name === "") return { view: "letters" };
  if (first === "letters" && /^[1-9]\d{0,15}$/.test(name)) return { view: "letter", id: Number(name) };
  if (isPlain(first) && name === "") return { view: first };
  return { view: "missing", path };
}

export function handlerHref(name: string): string {
  return `/handlers/${name.split("/").map(encodeURIComponent).join("/")}`;
}

export function messageHref(key: string): string {
  return `/messages/${encodeURIComponent(key)}`;
}

/** Of the message of that name, and of all it came from and led to. */
export function wayHref(origin: string): string {
  return hrefWith("/way", { of: origin });
}

export function lettersHref(query: Readonly<Record<string, string | undefined>> = {}): string {
  return hrefWith("/letters", query);
}

/** Without what is undefined or empty. */
export function hrefWith(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "",
  );
  return said.length === 0 ? path : `${path}?${new URLSearchParams(said)}`;
}

const PLAIN = ["map", "streams", "send", "way"] as const;

function isPlain(word: string): word is (typeof PLAIN)[number] {
  return (PLAIN as readonly string[]).includes(word);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // not encoded by us
  }
}
