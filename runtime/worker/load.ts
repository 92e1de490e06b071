// Import a bundle and describe what it exports. Values that cannot cross as JSON are replaced by marks.

import type { PayloadFormat } from "../../sdk/payload.ts";
import type { MessageFilter } from "./message-filter.ts";

export type HandlerFunction = (payload: unknown, context: unknown) => unknown;

export interface LifecycleInfo {
  readonly handler: string;
  /** As `ctx.shadow`. */
  readonly shadow: boolean;
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
  readonly metadata?: {
    readonly schema?: StandardSchema;
    readonly reply?: StandardSchema;
    readonly payload?: PayloadFormat;
    readonly when?: MessageFilter;
    readonly orderBy?: (event: unknown) => string;
    readonly schedule?: unknown;
  };
  readonly setup?: (info: LifecycleInfo) => unknown;
  readonly teardown?: (info: LifecycleInfo) => unknown;
}

/** What is left of a handler that is only to check payloads. */
export function checksOf({ metadata: { schema, payload } = {} }: HandlerModule): HandlerModule {
  const checks = { ...(schema === undefined ? {} : { schema }), ...(payload === undefined ? {} : { payload }) };
  return { metadata: checks, default: () => undefined };
}

export async function importBundle(url: string): Promise<HandlerModule> {
  return (await import(url)) as HandlerModule;
}

/** What a program of a group exports (bundle/group-program.ts). */
interface GroupProgram {
  readonly members: Readonly<Record<string, () => Promise<HandlerModule>>>;
}

/** One of a group: what it shares with others that have been imported is not evaluated again. */
export async function importMember(url: string, member: string): Promise<HandlerModule> {
  const { members } = (await import(url)) as GroupProgram;
  const module = await members[member]!();
  // CommonJS has one export, which is the function or has it (bundle/commonjs-handler.ts).
  const { default: whole } = module as { default?: { default?: HandlerModule["default"] } & HandlerModule["default"] };
  return typeof whole === "object" && whole !== null
    ? { ...module, default: (whole as HandlerModule).default! }
    : module;
}

/** See `LoadedModule.defaultExport`. */
export function describeDefault(value: unknown): string {
  if (typeof value !== "function") return typeof value;
  const tag = Object.prototype.toString.call(value);
  if (tag === "[object AsyncGeneratorFunction]") return "async generator";
  if (tag === "[object GeneratorFunction]") return "generator";
  return /^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "function";
}

/** Standard Schema v1: an object or function with a `~standard` property (standardschema.dev). */
export function isStandardSchema(value: unknown): value is StandardSchema {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as Partial<StandardSchema>)["~standard"]?.validate === "function"
  );
}

/** Undefined for what is none: whoever reads the metadata has refused it. */
export function schemaIn(value: unknown): StandardSchema | undefined {
  return isStandardSchema(value) ? value : undefined;
}
