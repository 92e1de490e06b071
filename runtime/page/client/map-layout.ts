// Where each node of the map stands: in layers from left to right, each after what leads to it, with as few crossings as a few
// sweeps find. Pure.
//
// L1  What leads back is not followed: a circle begins somewhere, and its last edge goes to the left.
// L2  A node stands in the order of its neighbours' middle (barycentre); six sweeps do, and a thousand nodes cost milliseconds.

export interface Link {
  readonly from: string;
  readonly to: string;
}

/** Of each node: its layer, and how far down in it, in rows. */
export type Places = ReadonlyMap<string, { readonly layer: number; readonly row: number }>;

const SWEEPS = 6;

export function placesOf(keys: readonly string[], links: readonly Link[]): Places {
  const forward = withoutCircles(keys, links);
  const layerOf = layersOf(keys, forward);
  const layers = Array.from({ length: Math.max(0, ...layerOf.values()) + 1 }, (): string[] => []);
  for (const key of keys) layers[layerOf.get(key) ?? 0]?.push(key);
  const before = neighbours(forward, ({ to, from }) => [to, from]);
  const after = neighbours(forward, ({ from, to }) => [from, to]);
  const places = new Map<string, number>();
  for (const layer of layers) number(layer, places);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : layers.toReversed()) arrange(layer, down ? before : after, places);
  }
  for (const layer of layers) spread(layer, before, places);
  for (const layer of layers.toReversed()) spread(layer, after, places);
  return new Map(keys.map((key) => [key, { layer: layerOf.get(key) ?? 0, row: places.get(key) ?? 0 }]));
}

/** L1: the links that do not lead back to where one has come from. */
function withoutCircles(keys: readonly string[], links: readonly Link[]): Link[] {
  const next = Map.groupBy(links, ({ from }) => from);
  const state = new Map<string, "open" | "done">();
  const forward: Link[] = [];
  // Those to which nothing leads come first: where a circle can be entered from outside, it is.
  const led = new Set(links.map(({ to }) => to));
  const starts = [...keys.filter((key) => !led.has(key)), ...keys];
  for (const start of starts) {
    if (state.has(start)) continue;
    state.set(start, "open");
    const path = [{ key: start, rest: [...(next.get(start) ?? [])] }];
    for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
      const link = at.rest.pop();
      if (link === undefined) {
        state.set(at.key, "done");
        path.pop();
        continue;
      }
      const seen = state.get(link.to);
      if (seen !== "open") forward.push(link);
      if (seen !== undefined) continue;
      state.set(link.to, "open");
      path.push({ key: link.to, rest: [...(next.get(link.to) ?? [])] });
    }
  }
  return forward;
}

/** The longest way to it. */
function layersOf(keys: readonly string[], forward: readonly Link[]): Map<string, number> {
  const next = Map.groupBy(forward, ({ from }) => from);
  const open = new Map<string, number>();
  for (const { to } of forward) open.set(to, (open.get(to) ?? 0) + 1);
  const layers = new Map<string, number>();
  const ready = keys.filter((key) => !open.has(key));
  for (const key of ready) layers.set(key, 0);
  for (let key = ready.pop(); key !== undefined; key = ready.pop()) {
    for (const { to } of next.get(key) ?? []) {
      layers.set(to, Math.max(layers.get(to) ?? 0, (layers.get(key) ?? 0) + 1));
      const left = (open.get(to) ?? 1) - 1;
      open.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  return layers;
}

function neighbours(
  links: readonly Link[],
  pair: (link: Link) => readonly [of: string, other: string],
): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const link of links) {
    const [of, other] = pair(link);
    const list = all.get(of);
    if (list === undefined) all.set(of, [other]);
    else list.push(other);
  }
  return all;
}

/** L2. */
function arrange(layer: string[], of: Neighbours, places: Map<string, number>): void {
  const middles = new Map(layer.map((key) => [key, middleOf(key, of, places)]));
  layer.sort((a, b) => (middles.get(a) ?? 0) - (middles.get(b) ?? 0));
  number(layer, places);
}

/** Each as near to the middle of its neighbours as those above it leave room. */
function spread(layer: readonly string[], of: Neighbours, places: Map<string, number>): void {
  let least = 0;
  for (const key of layer) {
    const row = Math.max(least, middleOf(key, of, places));
    places.set(key, row);
    least = row + 1;
  }
}

type Neighbours = ReadonlyMap<string, readonly string[]>;

function middleOf(key: string, of: Neighbours, places: ReadonlyMap<string, number>): number {
  const others = of.get(key) ?? [];
  if (others.length === 0) return places.get(key) ?? 0;
  return others.reduce((total, other) => total + (places.get(other) ?? 0), 0) / others.length;
}

function number(layer: readonly string[], places: Map<string, number>): void {
  for (const [at, key] of layer.entries()) places.set(key, at);
}
