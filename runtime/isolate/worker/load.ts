// Import a bundle and describe what it exports. Values that cannot cross as JSON are replaced by marks.

export type HandlerFunction = (payload: unknown, context: unknown) => unknown;

export interface LifecycleInfo {
  readonly handler: string;
  readonly signal: AbortSignal;
  readonly log: unknown;
}

export interface StandardSchema {
  readonly "~standard": {
    readonly vendor: string;
    validate(value: unknown): StandardResult | Promise<StandardResult>;
  };
}

export interface StandardResult {
  readonly value?: unknown;
  readonly issues?: readonly { readonly message: string; readonly path?: readonly PropertyKey[] }[];
}

export interface HandlerModule {
  readonly default?: HandlerFunction;
  readonly metadata?: { readonly schema?: StandardSchema; readonly orderBy?: (event: unknown) => string };
  readonly setup?: (info: LifecycleInfo) => unknown;
  readonly teardown?: (info: LifecycleInfo) => unknown;
}

export async function importBundle(url: string): Promise<HandlerModule> {
  return (await import(url)) as HandlerModule;
}

export function describeMetadata(metadata: unknown): unknown {
  return metadata === undefined ? null : describe(metadata, 0);
}

const MAX_DEPTH = 6;

function describe(value: unknown, depth: number): unknown {
  if (isStandardSchema(value)) return { $schema: "standard", vendor: value["~standard"].vendor };
  if (typeof value === "function") return { $function: true };
  if (typeof value === "bigint" || typeof value === "symbol") return { $unsupported: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { $unsupported: String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return { $unsupported: "nested too deep" };
  if (Array.isArray(value)) return value.map((entry) => describe(entry, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, describe(entry, depth + 1)]));
}

/** Standard Schema v1: an object or function with a `~standard` property (standardschema.dev). */
export function isStandardSchema(value: unknown): value is StandardSchema {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as Partial<StandardSchema>)["~standard"]?.validate === "function"
  );
}
