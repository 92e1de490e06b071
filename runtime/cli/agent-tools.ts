// What a coding agent may do: each tool is one command of the command line, and its result what that prints. Pure.
//
// A1  Nothing an agent says becomes an option: values stand behind `--name=` or behind `--`.
// A2  Tools that change something, or show payloads, are there only where the command was started for it.

export type Right = "look" | "payloads" | "act";

interface Parameter {
  readonly type: "string" | "integer" | "names";
  readonly description: string;
  readonly required?: boolean;
}

export interface AgentTool {
  readonly name: string;
  readonly description: string;
  readonly right: Right;
  /** Of the command line, with what is always said. */
  readonly command: readonly string[];
  /** In the order in which they are given to the command. */
  readonly positional: Readonly<Record<string, Parameter>>;
  readonly options: Readonly<Record<string, Parameter>>;
}

const text = (description: string): Parameter => ({ type: "string", description });
const needed = (description: string): Parameter => ({ type: "string", description, required: true });
const number = (description: string): Parameter => ({ type: "integer", description });
const names: Parameter = { type: "names", description: "names of handlers, or globs such as todo/*; default: all" };
const someNames: Parameter = { type: "names", description: "names of handlers", required: true };
const letter: Parameter = { type: "integer", description: "number of the dead letter", required: true };
const ofLetters = {
  handler: text("of this handler"),
  reason: text("that failed this way: threw, invalid, timed-out, crashed, ..."),
  since: text("kept since: 1h, 2d, 18:30, 2030-01-31T18:30"),
};

type Parts = Partial<Pick<AgentTool, "positional" | "options">>;

function tool(right: Right, name: string, description: string, command: string, parts: Parts = {}): AgentTool {
  const { positional = {}, options = {} } = parts;
  return { name, description, right, command: command.split(" "), positional, options };
}

export const AGENT_TOOLS: readonly AgentTool[] = [
  tool("look", "list", "the project's handlers, their subjects and options; needs no NATS", "list --json"),
  tool(
    "look",
    "check",
    "builds and validates every handler: what is wrong, with file and line; needs no NATS",
    "check --json",
  ),
  tool(
    "look",
    "describe",
    "the app as an AsyncAPI document: what it takes and publishes, with schemas; needs no NATS",
    "describe",
  ),
  tool("look", "status", "how the running handlers stand, over all replicas", "status --json", {
    positional: { names },
  }),
  tool("look", "inspect", "everything known of one running handler, replica by replica", "inspect --json", {
    positional: { name: needed("name of the handler") },
  }),
  tool("look", "logs", "the last lines of the log, of all replicas", "logs --json", {
    positional: { names },
    options: { last: number("how many lines of each replica, at most 500; default 50") },
  }),
  tool(
    "look",
    "dead_letters",
    "messages that were given up on, with reason and place in the source",
    "dlq list --json",
    {
      options: { ...ofLetters, limit: number("at most so many; default 50") },
    },
  ),
  tool("look", "scheduled", "messages that wait to leave later", "scheduled list --json"),
  tool("look", "unclaimed", "subjects stored in the app's streams that no handler takes", "unclaimed --json"),
  tool("payloads", "dead_letter", "one dead letter: payload, headers, stack", "dlq show --json", {
    positional: { id: letter },
  }),
  tool("act", "send", "publish a message", "send --json", {
    positional: { subject: needed("subject"), payload: text("JSON; default: an empty message") },
  }),
  tool("act", "request", "ask, and give the reply", "request", {
    positional: { subject: needed("subject"), payload: text("JSON; default: an empty message") },
    options: { timeout: text("how long to wait for a reply; default 5s") },
  }),
  tool(
    "act",
    "try_dead_letters",
    "dead letters through the handler of the working tree: which would pass now",
    "dlq try --json",
    {
      options: { ...ofLetters, handler: needed("of this handler") },
    },
  ),
  tool("act", "redrive", "send a dead letter again, to the one handler that failed it", "dlq redrive --json", {
    positional: { id: letter },
  }),
  tool("act", "disable", "turn handlers off, on every replica, until enabled", "disable --json", {
    positional: { names: someNames },
    options: { reason: text("why, for those who wonder later") },
  }),
  tool("act", "enable", "turn handlers on again", "enable --json", {
    positional: { names: someNames },
    options: {
      rate: text("slowly: so many messages begin in each replica, such as 20/s; off: no more"),
      first: number("let so many messages through, in all replicas together; then it is off again"),
    },
  }),
];

export function toolsWith(rights: ReadonlySet<Right>): AgentTool[] {
  return AGENT_TOOLS.filter(({ right }) => rights.has(right));
}

/** A tool as the protocol lists it. */
export function listedTool({ name, description, right, positional, options }: AgentTool): object {
  const parameters = Object.entries({ ...positional, ...options });
  return {
    name,
    description,
    inputSchema: {
      type: "object",
      properties: Object.fromEntries(parameters.map(([key, parameter]) => [key, schemaOf(parameter)])),
      required: parameters.filter(([, { required }]) => required === true).map(([key]) => key),
      additionalProperties: false,
    },
    annotations: { readOnlyHint: right !== "act" },
  };
}

function schemaOf({ type, description }: Parameter): object {
  return type === "names" ? { type: "array", items: { type: "string" }, description } : { type, description };
}

/** The command line of a call (A1). Throws a TypeError for arguments that the tool does not have, lacks or cannot read. */
export function commandLine({ name, command, positional, options }: AgentTool, given: unknown): string[] {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new TypeError(`${name}: the arguments must be an object`);
  const values = given as Readonly<Record<string, unknown>>;
  const known = { ...positional, ...options };
  const unknown = Object.keys(values).find((key) => !(key in known));
  if (unknown !== undefined) throw new TypeError(`${name} has no argument ${JSON.stringify(unknown)}`);
  const read = (key: string, parameter: Parameter) => wordsOf(`${name}: ${key}`, values[key], parameter);
  const said = Object.entries(options).flatMap(([key, one]) => read(key, one).map((word) => `--${key}=${word}`));
  const behind = Object.entries(positional).flatMap(([key, one]) => read(key, one));
  return [...command, ...said, "--", ...behind];
}

function wordsOf(what: string, value: unknown, { type, required = false }: Parameter): string[] {
  if (value === undefined) {
    if (required) throw new TypeError(`${what} is needed`);
    return [];
  }
  if (type === "string" && typeof value === "string") return [value];
  if (type === "integer" && Number.isSafeInteger(value)) return [String(value)];
  if (type === "names" && Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
  throw new TypeError(`${what} must be ${type === "names" ? "a list of names" : `of type ${type}`}`);
}
