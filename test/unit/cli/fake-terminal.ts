// A terminal that keeps what is printed to it.

import { plain } from "../../../runtime/terminal/paint.ts";
import type { Output, Terminal } from "../../../runtime/terminal/terminal.ts";

export interface FakeTerminal extends Terminal {
  readonly stdout: () => string;
  readonly stderr: () => string;
}

export function fakeTerminal(
  options: {
    cwd?: string;
    env?: Record<string, string>;
    input?: string;
    isTerminal?: boolean;
    ask?: Terminal["ask"];
  } = {},
): FakeTerminal {
  const { cwd = "/nowhere", env = {}, input = "", isTerminal = false, ask } = options;
  const texts = { out: "", err: "" };
  const output = (name: "out" | "err"): Output => ({
    isTerminal,
    columns: isTerminal ? 80 : Number.POSITIVE_INFINITY,
    paint: plain,
    write(data) {
      texts[name] += typeof data === "string" ? data : new TextDecoder().decode(data);
    },
  });
  return {
    cwd,
    env,
    out: output("out"),
    err: output("err"),
    readStdin: async () => input,
    ask,
    stdout: () => texts.out,
    stderr: () => texts.err,
  };
}
