import { describe, expect, it } from "vitest";
import { answerTo } from "../../../runtime/cli/agent-protocol.ts";
import { AGENT_TOOLS, commandLine, type Right, toolsWith } from "../../../runtime/cli/agent-tools.ts";

const named = (name: string) => AGENT_TOOLS.find((tool) => tool.name === name)!;
const ask = (request: object, rights: Right[] = ["look"]) =>
  answerTo(JSON.stringify({ jsonrpc: "2.0", id: 1, ...request }), {
    ...{ version: "1.2.3", tools: toolsWith(new Set(rights)) },
    run: async (args) => ({ text: args.join(" "), failed: args.includes("--last=13") }),
  });

describe("the command line of a tool's call", () => {
  it("has options first, then what is named", () => {
    expect(commandLine(named("logs"), { names: ["todo/*"], last: 5 })).toEqual([
      "logs",
      "--json",
      "--last=5",
      "--",
      "todo/*",
    ]);
    expect(commandLine(named("list"), {})).toEqual(["list", "--json", "--"]);
  });

  it("takes nothing an agent says for an option", () => {
    const args = commandLine(named("send"), { subject: "--server=evil", payload: "-h" });
    expect(args).toEqual(["send", "--json", "--", "--server=evil", "-h"]);
    expect(commandLine(named("dead_letters"), { handler: "a --server b" })).toContain("--handler=a --server b");
  });

  it.each([
    ["inspect", {}, /name is needed/],
    ["inspect", { name: 1 }, /must be of type string/],
    ["logs", { last: "5" }, /must be of type integer/],
    ["logs", { names: "todo" }, /must be a list of names/],
    ["logs", { follow: true }, /has no argument "follow"/],
    ["logs", [], /must be an object/],
  ])("%s with %j is refused", (name, given, message) => {
    expect(() => commandLine(named(name), given)).toThrow(message);
  });
});

describe("the protocol", () => {
  it("begins with the version that the client names, where it is known, else the newest", async () => {
    const begin = (protocolVersion: string) => ask({ method: "initialize", params: { protocolVersion } });
    expect(await begin("2024-11-05")).toMatchObject({ id: 1, result: { protocolVersion: "2024-11-05" } });
    expect(await begin("1999-01-01")).toMatchObject({
      result: { protocolVersion: "2025-06-18", capabilities: { tools: {} } },
    });
  });

  it("lists what may be done: nothing that changes anything or shows payloads, unless that was asked for", async () => {
    const list = async (...rights: Right[]) => {
      const { result } = (await ask({ method: "tools/list" }, rights)) as {
        result: { tools: { name: string; annotations: object }[] };
      };
      return result.tools;
    };
    const looking = await list("look");
    expect(looking.map(({ name }) => name)).toContain("status");
    for (const { annotations } of looking) expect(annotations).toEqual({ readOnlyHint: true });
    expect(looking.map(({ name }) => name)).not.toContain("dead_letter");
    expect((await list("look", "payloads")).map(({ name }) => name)).toContain("dead_letter");
    const acting = await list("look", "act");
    expect(acting.find(({ name }) => name === "disable")?.annotations).toEqual({ readOnlyHint: false });
  });

  it("calls a tool, and says when it has failed", async () => {
    const call = (last: number) => ask({ method: "tools/call", params: { name: "logs", arguments: { last } } });
    expect(await call(5)).toEqual({
      ...{ jsonrpc: "2.0", id: 1 },
      result: { content: [{ type: "text", text: "logs --json --last=5 --" }], isError: false },
    });
    expect(await call(13)).toMatchObject({ result: { isError: true } });
  });

  it("refuses what it does not know, also a tool that was not asked for, and says nothing to notifications", async () => {
    expect(await ask({ method: "tools/call", params: { name: "disable", arguments: { names: ["a"] } } })).toMatchObject(
      {
        error: { code: -32602, message: 'there is no tool "disable"' },
      },
    );
    expect(await ask({ method: "tools/call", params: { name: "inspect" } })).toMatchObject({ error: { code: -32602 } });
    expect(await ask({ method: "resources/list" })).toMatchObject({ error: { code: -32601 } });
    expect(await ask({ id: undefined, method: "notifications/initialized" })).toBeUndefined();
    const server = { version: "", tools: [], run: () => Promise.reject(new Error("run")) };
    expect(await answerTo("{", server)).toMatchObject({ id: null, error: { code: -32700 } });
    expect(await answerTo("[]", server)).toMatchObject({ error: { code: -32700 } });
    expect(await answerTo('{"id":1}', server)).toMatchObject({ error: { code: -32600 } });
  });
});
