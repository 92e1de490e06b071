// The commands of those who run handlers: how they stand, and what to do about it.

import { type Command, Option } from "commander";
import type { Terminal } from "../terminal/terminal.ts";
import type { ExitCode } from "./exit-code.ts";

export interface HandlerCommands {
  readonly terminal: Terminal;
  readonly finish: (code: ExitCode) => void;
  /** Reads an option that can be given several times. */
  readonly collect: (value: string, before?: readonly string[]) => string[];
}

const NAMES = "handlers, or globs such as 'todo/*'";

export function addHandlerCommands(program: Command, operating: HandlerCommands): void {
  program.commandsGroup("Operate handlers:");
  addLooking(program, operating);
  addPage(program, operating);
  addAgent(program, operating);
  addSwitching(program, operating);
  addVersions(program, operating);
  addDoing(program, operating);
  addTrying(program, operating);
}

function addTrying(program: Command, { terminal, finish }: HandlerCommands): void {
  program
    .command("shadow <NAME>")
    .description("stored messages through the handler of the working tree: what it does differently; for CI")
    .requiredOption(
      "--against <BUILD>",
      "the version before: live (what the replicas serve), a folder of `handlers build`, or a commit of git",
    )
    .option("--from <TIME>", "messages stored since: 2h, 7d, 18:30, 2030-01-31T18:30", "24h")
    .option("-n, --limit <COUNT>", "at most so many, oldest first", "1000")
    .option("--build <DIR>", "try this build, instead of the working tree")
    .option("--json", "as JSON")
    .action(async (name: string, _options, command: Command) => {
      const { shadow } = await import("./commands/shadow.ts");
      finish(await shadow(name, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("bisect <MESSAGE>")
    .description(
      "which of the kept versions of a handler began to fail a message: a dead letter's number, or STREAM:SEQ",
    )
    .option("--handler <NAME>", "whose versions, for STREAM:SEQ")
    .option("--json", "as JSON")
    .action(async (message: string, _options, command: Command) => {
      const { bisect } = await import("./commands/bisect.ts");
      finish(await bisect(message, { terminal, options: command.optsWithGlobals() }));
    });
}

function addLooking(program: Command, { terminal, finish }: HandlerCommands): void {
  program
    .command("status")
    .description("how the handlers stand, over all replicas")
    .argument("[NAME...]", NAMES)
    .option("-w, --watch", "again every second, until Ctrl-C")
    .option("--replicas", "each replica by itself")
    .option("--connections", "what their processes are connected to, such as databases (Linux)")
    .option("--json", "as JSON")
    .action(async (names: string[], _options, command: Command) => {
      const { status } = await import("./commands/status.ts");
      finish(await status(names, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("inspect <NAME>")
    .description("everything known of one handler, replica by replica")
    .option("--json", "as JSON")
    .action(async (name: string, _options, command: Command) => {
      const { inspectHandler } = await import("./commands/inspect.ts");
      finish(await inspectHandler(name, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("running")
    .description("the messages that handlers run now, on every replica, longest first")
    .argument("[NAME...]", NAMES)
    .option("--json", "as JSON")
    .action(async (names: string[], _options, command: Command) => {
      const { running } = await import("./commands/running.ts");
      finish(await running(names, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("logs")
    .description("the last lines of the log, of all replicas")
    .argument("[NAME...]", NAMES)
    .option("-f, --follow", "and new ones as they come, until Ctrl-C")
    .option("-n, --last <COUNT>", "how many lines of each replica, at most 500", "50")
    .option("--json", "as JSON, one line each")
    .action(async (names: string[], _options, command: Command) => {
      const { logs } = await import("./commands/logs.ts");
      finish(await logs(names, { terminal, options: command.optsWithGlobals() }));
    });
}

function addPage(program: Command, { terminal, finish }: HandlerCommands): void {
  program
    .command("ui")
    .description("a page for the browser: handlers, dead letters, streams, send")
    .option("--host <HOST>", "address to listen on; only this machine reaches the default", "127.0.0.1")
    .option("--port <PORT>", "port (default: 4280, or any free one where that is taken)")
    .option("--read-only", "look, and change nothing")
    .option(
      "--allow <ACTIONS>",
      "only these, joined by commas: disable, enable, reload, invoke, redrive, mend, drop, cancel, cancel-run, send",
    )
    .option("--payloads", "show payloads also of a NATS that `handlers dev` has not brought")
    .option("--open", "open it in the browser")
    .addOption(new Option("--beside [HOW]", "end when stdin does").hideHelp())
    .action(async (_options, command: Command) => {
      const { ui } = await import("./commands/ui.ts");
      finish(await ui({ terminal, options: command.optsWithGlobals() }));
    });
}

function addAgent(program: Command, { terminal, finish }: HandlerCommands): void {
  program
    .command("mcp")
    .description(
      "for coding agents (Model Context Protocol, over stdin and stdout): list, check, status, logs, dead letters",
    )
    .option("--payloads", "show payloads of dead letters as well")
    .option("--act", "also send, request, try, redrive, disable, enable; without it nothing is changed")
    .action(async (_options, command: Command) => {
      const { mcp } = await import("./commands/mcp.ts");
      finish(await mcp({ terminal, options: command.optsWithGlobals() }));
    });
}

function addSwitching(program: Command, { terminal, finish }: HandlerCommands): void {
  program
    .command("disable")
    .description("turn handlers off, on every replica, until enabled")
    .argument("<NAME...>", NAMES)
    .option("--reason <TEXT>", "why, for those who wonder later")
    .option("--for <DURATION>", "on again by itself after this long: 30m, 2h")
    .option("--until <TIME>", "on again by itself at this time: 18:30, 2030-01-31T18:30")
    .option("--now", "end what is in hand instead of letting it finish")
    .option("--force", "also names that no replica knows yet")
    .option("--wait <DURATION>", "how long the replicas may take to apply it", "10s")
    .option("--json", "as JSON")
    .action(async (names: string[], _options, command: Command) => {
      const { disable } = await import("./commands/disable.ts");
      finish(await disable(names, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("enable")
    .description("turn handlers on again; start those anew that keep failing")
    .argument("<NAME...>", NAMES)
    .option("--rate <RATE>", "slowly: so many messages begin in each replica, such as 20/s or 100/m; off: no more")
    .option("--first <COUNT>", "let so many messages through, in all replicas together; then it is off again")
    .option("--wait <DURATION>", "how long the replicas may take to apply it", "30s")
    .option("--json", "as JSON")
    .action(async (names: string[], _options, command: Command) => {
      const { enable } = await import("./commands/enable.ts");
      finish(await enable(names, { terminal, options: command.optsWithGlobals() }));
    });
}

function addVersions(program: Command, { terminal, finish }: HandlerCommands): void {
  program
    .command("rollback <NAME>")
    .description("have a handler serve a version of before, on every replica; `inspect` shows those that are kept")
    .option("--to <VERSION>", "that version, or how it begins (default: the one before that which serves)")
    .option("--off", "take the rollback back: each replica serves its own version again")
    .option("--reason <TEXT>", "why, for those who wonder later")
    .option("--wait <DURATION>", "how long the replicas may take to apply it", "30s")
    .option("--json", "as JSON")
    .action(async (name: string, _options, command: Command) => {
      const { rollback } = await import("./commands/rollback.ts");
      finish(await rollback(name, { terminal, options: command.optsWithGlobals() }));
    });
}

function addDoing(program: Command, { terminal, finish, collect }: HandlerCommands): void {
  program
    .command("reload")
    .description("build handlers and bring them up again, on every replica")
    .argument("<NAME...>", NAMES)
    .option("--json", "as JSON")
    .action(async (names: string[], _options, command: Command) => {
      const { reload } = await import("./commands/reload.ts");
      finish(await reload(names, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("cancel <ID>")
    .description("end one message that runs, also one that blocks its handler; it is not run again")
    .option("--handler <NAME>", "whose run is to end, where several handlers run that message")
    .option("--json", "as JSON")
    .action(async (id: string, _options, command: Command) => {
      const { cancel } = await import("./commands/cancel.ts");
      finish(await cancel(id, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("invoke <NAME> [JSON|-]")
    .description("run a handler once by hand, also a disabled one; - reads the payload from stdin")
    .option("-H, --header <NAME=VALUE>", "a header; can be given several times", collect)
    .option("--raw", "take the text, and print the reply, as they are")
    .option("--timeout <DURATION>", "how long to wait for its end", "60s")
    .option("--json", "say as JSON how it ended")
    .action(async (name: string, payload: string | undefined, _options, command: Command) => {
      const { invoke } = await import("./commands/invoke.ts");
      finish(await invoke(name, payload, { terminal, options: command.optsWithGlobals() }));
    });
}
