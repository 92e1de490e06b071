import { describe, expect, it } from "vitest";
import { EXIT_CODES, exitCodeOf } from "../../../runtime/cli/exit-code.ts";
import { packageVersion } from "../../../runtime/cli/package-version.ts";
import { run } from "../../../runtime/cli/run.ts";
import { SETTING_NAMES } from "../../../runtime/config/spoken-settings.ts";
import { RuntimeError } from "../../../runtime/errors.ts";
import { fakeTerminal } from "./fake-terminal.ts";

describe("the command line", () => {
  it("shows every command, option, environment variable and exit code in its help", async () => {
    const terminal = fakeTerminal();
    expect(await run(["--help"], terminal)).toBe(0);
    const help = terminal.stdout();
    for (const command of ["dev", "start", "send", "request", "new", "list", "check", "build"])
      expect(help).toContain(`  ${command} `);
    const ofServing = ["build", "drain", "httpPort", "disabled"];
    for (const [setting, { flag, env }] of Object.entries(SETTING_NAMES)) {
      if (ofServing.includes(setting)) continue;
      expect(help).toContain(`${flag} <`);
      expect(help).toContain(`[${env}]`);
    }
    for (const [code, meaning] of Object.entries(EXIT_CODES)) expect(help).toMatch(new RegExp(`${code} +${meaning}`));
  });

  it("shows in a command's help how to reach NATS only where the command does", async () => {
    const [sending, listing] = [fakeTerminal(), fakeTerminal()];
    await run(["send", "--help"], sending);
    await run(["list", "--help"], listing);
    expect(sending.stdout()).toContain("--creds");
    expect(listing.stdout()).not.toContain("--creds");
    expect(listing.stdout()).toContain("--handlers");
  });

  it("says its version", async () => {
    const terminal = fakeTerminal();
    expect(await run(["--version"], terminal)).toBe(0);
    expect(terminal.stdout()).toBe(`nats-handlers ${packageVersion()}\n`);
    expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });

  it.each([
    [["lsit"], "Did you mean list?"],
    [["list", "--jsno"], "Did you mean --json?"],
    [["send"], "missing required argument 'SUBJECT'"],
    [["dev", "--port", "many"], "--port needs a port"],
    [["request", "a.b", "--timeout", "soon"], '--timeout needs a duration such as "5s"'],
    [["request", "a.*"], "the subject"],
    [["send", "a.b", "{bad"], "the payload is not JSON"],
    [["send", "a.b", "1", "-H", "nameless"], "a header is written NAME=VALUE"],
    [["new", "x", "--kind", "evnt"], 'Did you mean "event"?'],
    [["list", "--cwd", "/not/there"], "there is no folder"],
  ])("%j is wrong usage: exit code 2 and a line that helps", async (args, line) => {
    const terminal = fakeTerminal();
    expect(await run(args, terminal)).toBe(2);
    expect(terminal.stderr()).toMatch(/^USAGE: /);
    expect(terminal.stderr()).toContain(line);
    expect(terminal.stderr()).not.toContain("    at ");
    expect(terminal.stdout()).toBe("");
  });

  it("without a command shows the help and is wrong usage", async () => {
    const terminal = fakeTerminal();
    expect(await run([], terminal)).toBe(2);
    expect(terminal.stderr()).toContain("Usage: handlers COMMAND");
  });
});

describe("exit codes", () => {
  it.each([
    ["CONFIG_INVALID", 2],
    ["NATS_REFUSED", 3],
    ["BUNDLE_FAILED", 1],
  ] as const)("%s ends with %i", (code, exit) => expect(exitCodeOf(new RuntimeError(code, "x"))).toBe(exit));

  it("a fault of ours ends with 1", () => expect(exitCodeOf(new Error("x"))).toBe(1));
});
