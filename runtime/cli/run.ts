// The command line: which commands there are. Each is loaded only when it is called, so that `--help` is quick.
//
// commander parses: it is what people of this field know, and it suggests the command that was meant.

import { Command, CommanderError } from "commander";
import { explainDisk } from "../terminal/disk-error.ts";
import { printError, type Terminal } from "../terminal/terminal.ts";
import { EXIT_CODES, type ExitCode, exitCodeOf } from "./exit-code.ts";
import { addGlobalOptions, NATS_GROUP, spokenOption } from "./global-options.ts";
import { addHandlerCommands } from "./handler-commands.ts";
import { addMessageCommands } from "./message-commands.ts";
import { packageVersion } from "./package-version.ts";

/** Run one command line. Resolves with the exit code; never rejects. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = createProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    // Help and version end this way too; commander has told what there is to tell.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const explained = explainDisk(error);
    printError(terminal, explained);
    return exitCodeOf(explained);
  }
}

type Finish = (code: ExitCode) => void;

function createProgram(terminal: Terminal, finish: Finish): Command {
  const program = new Command("handlers")
    .description("Drop a file, get a NATS subscriber.")
    .version(`nats-handlers ${packageVersion()}`, "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [COMMAND]", "show the help of a command")
    .usage("COMMAND [options]")
    .exitOverride()
    .configureOutput(outputConfiguration(terminal))
    .configureHelp(helpConfiguration())
    .showHelpAfterError("See `handlers --help`.");
  addGlobalOptions(program);
  addServing(program, terminal, finish);
  addMessaging(program, terminal, finish);
  addHandlerCommands(program, { terminal, finish, collect });
  addMessageCommands(program, { terminal, finish, collect });
  addWriting(program, terminal, finish);
  addSecuring(program, terminal, finish);
  addPrecompile(program, finish);
  addCarryOut(program, terminal, finish);
  program.addHelpText("after", `\n${exitCodeHelp()}`);
  return program;
}

const WIDEST_HELP = 100;

function outputConfiguration({ out, err }: Terminal) {
  return {
    writeOut: (text: string) => out.write(text),
    writeErr: (text: string) => err.write(text),
    getOutHelpWidth: () => Math.min(out.columns, WIDEST_HELP),
    getErrHelpWidth: () => Math.min(err.columns, WIDEST_HELP),
    getOutHasColors: () => out.paint("bold", "x") !== "x",
    getErrHasColors: () => err.paint("bold", "x") !== "x",
    outputError: (text: string, write: (text: string) => void) =>
      write(text.replace(/^error: /, `${err.paint("red", "USAGE")}: `)),
  };
}

const OFFLINE = new Set(["init", "list", "check", "new", "build", "permissions", "nest"]);

function helpConfiguration() {
  return {
    showGlobalOptions: true,
    visibleGlobalOptions: (command: Command) => {
      const options = (command.parent?.parent ?? command.parent)?.options ?? [];
      const shown = OFFLINE.has(command.name())
        ? options.filter((option) => option.helpGroupHeading !== NATS_GROUP)
        : options;
      return shown.filter((option) => option.long !== "--version");
    },
  };
}

function exitCodeHelp(): string {
  const lines = Object.entries(EXIT_CODES).map(([code, meaning]) => `  ${code.padEnd(4)} ${meaning}`);
  return ["Exit codes:", ...lines].join("\n");
}

function addServing(program: Command, terminal: Terminal, finish: Finish): void {
  program.commandsGroup("Serve handlers:");
  program
    .command("dev")
    .description("serve the handlers, reload them as they are saved")
    .option("--port <PORT>", "port of the nats-server brought along, when none is configured", "4222")
    .option("--inspect <NAME[:PORT]>", "debug this handler; the port (9229) stays across reloads", collect)
    .option("--ui", "serve the page (handlers ui) beside it; at a terminal that is done anyway")
    .option("--no-ui", "do not")
    .addOption(spokenOption("drain", "DURATION", "how long messages in flight may take to end at Ctrl-C"))
    .action(async (_options, command: Command) => {
      const { dev } = await import("./commands/dev.ts");
      finish(await dev({ terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("start")
    .description("serve the handlers in production; logs JSON lines")
    .addOption(spokenOption("drain", "DURATION", "how long messages in flight may take to end at SIGTERM"))
    .addOption(spokenOption("httpPort", "PORT", "port of health and metrics"))
    .addOption(spokenOption("build", "DIR", "serve this build (default: build/, where there is one)"))
    .option("--from-sources", "serve the sources, also where there is a build")
    .option("--provision", "make and change the streams of handlers.config.ts, and those durable handlers lack")
    .option("--hold", "bind nothing until `handlers enable` says so, handler by handler; what is stored waits")
    .action(async (_options, command: Command) => {
      const { start } = await import("./commands/start.ts");
      finish(await start({ terminal, options: command.optsWithGlobals() }));
    });
}

/** For the Dockerfile. */
function addPrecompile(program: Command, finish: Finish): void {
  program.command("precompile", { hidden: true }).action(async () => {
    const { precompile } = await import("./commands/precompile.ts");
    finish(await precompile());
  });
}

/** For the page. */
function addCarryOut(program: Command, terminal: Terminal, finish: Finish): void {
  program.command("carry-out", { hidden: true }).action(async (_options, command: Command) => {
    const { carryOut } = await import("./commands/carry-out.ts");
    finish(await carryOut({ terminal, options: command.optsWithGlobals() }));
  });
}

function addMessaging(program: Command, terminal: Terminal, finish: Finish): void {
  program.commandsGroup("Send messages:");
  program
    .command("send <SUBJECT> [JSON|-]")
    .description("publish a message; - reads it from stdin")
    .option("-H, --header <NAME=VALUE>", "a header; can be given several times", collect)
    .option("--raw", "take the text as it is: it need not be JSON")
    .option("--delay <DURATION>", "have the replicas publish it after so long: 10m, 2h, 7d")
    .option("--at <TIME>", "have them publish it at that time: 18:30, 2030-01-31T18:30")
    .option("--json", "say as JSON what became of it")
    .action(async (subject: string, payload: string | undefined, _options, command: Command) => {
      const { send } = await import("./commands/send.ts");
      finish(await send(subject, payload, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("request <SUBJECT> [JSON|-]")
    .description("ask, and print the reply; - reads the payload from stdin")
    .option("-H, --header <NAME=VALUE>", "a header; can be given several times", collect)
    .option("--raw", "take the text, and print the reply, as they are")
    .option("--timeout <DURATION>", "how long to wait for a reply", "5s")
    .option("--stream", "print replies until the empty one")
    .action(async (subject: string, payload: string | undefined, _options, command: Command) => {
      const { request } = await import("./commands/request.ts");
      finish(await request(subject, payload, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("trace <SUBJECT>")
    .description("who would get a message to it now; nothing is delivered or stored (nats-server 2.11)")
    .option("--json", "as JSON")
    .action(async (subject: string, _options, command: Command) => {
      const { traceSubject } = await import("./commands/trace.ts");
      finish(await traceSubject(subject, { terminal, options: command.optsWithGlobals() }));
    });
}

function addWriting(program: Command, terminal: Terminal, finish: Finish): void {
  program.commandsGroup("Write handlers:");
  program
    .command("init [DIR]")
    .description("write a new project: handlers, a test, container, CI; what is there stays as it is")
    .option("--name <NAME>", "of the package and the app (default: that of the folder)")
    .action(async (folder: string | undefined, _options, command: Command) => {
      const { init } = await import("./commands/init.ts");
      finish(await init(folder, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("new <NAME>")
    .description("write handlers/NAME.ts")
    .option("--kind <KIND>", "event, durable or request", "event")
    .option("--subject <SUBJECT>", "what it takes (default: its name, with dots)")
    .option("--test", "and a test of it")
    .action(async (name: string, _options, command: Command) => {
      const { newHandler } = await import("./commands/new.ts");
      finish(await newHandler(name, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("import")
    .description("write handlers from what another framework has")
    .helpCommand(false)
    .command("nest <FILE...>")
    .description("write a handler for each pattern of NestJS controllers; what is there stays as it is; needs no NATS")
    .option("--module <FILE>", "of the app's module (default: the nearest app.module.ts above the controller)")
    .option("--dry-run", "only say what would be written")
    .option("--json", "as JSON")
    .action(async (files: string[], _options, command: Command) => {
      const { importNestControllers } = await import("./commands/import-nest.ts");
      finish(await importNestControllers(files, { terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("list")
    .description("the handlers, their subjects and their options; needs no NATS")
    .option("--json", "as JSON")
    .action(async (_options, command: Command) => {
      const { list } = await import("./commands/list.ts");
      finish(await list({ terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("build")
    .description("build every handler and the runtime into one folder, for `start` and for containers; needs no NATS")
    .option("--out <DIR>", "where to (default: build/)")
    .option("--external <PACKAGE>", "copy this package instead of bundling it; can be given several times", collect)
    .action(async (_options, command: Command) => {
      const { build } = await import("./commands/build.ts");
      finish(await build({ terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("check")
    .description("build and validate every handler without serving; for CI; needs no NATS")
    .option("--json", "as JSON")
    .action(async (_options, command: Command) => {
      const { check } = await import("./commands/check.ts");
      finish(await check({ terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("describe")
    .description("the app as an AsyncAPI 3 document (JSON)")
    .option("--check [FILE]", "instead, what breaks who knows the app as this document of before has it; for CI")
    .option("--fleet", "instead, with --check: which running handlers break, of whatever app; needs NATS")
    .option("--stored <COUNT>", "instead, which of the last so many stored messages would be refused; needs NATS")
    .option("--json", "what breaks, or would be refused, as JSON")
    .action(async (_options, command: Command) => {
      const { describe } = await import("./commands/describe.ts");
      finish(await describe({ terminal, options: command.optsWithGlobals() }));
    });
}

function addSecuring(program: Command, terminal: Terminal, finish: Finish): void {
  program
    .command("permissions")
    .description(
      "the least that a NATS user of this app must be allowed, for nats-server's configuration; needs no NATS",
    )
    .option(
      "--for <PURPOSE>",
      "serve (start), provision (start --provision), operate (status, disable, dlq, ...) or fleet (describe --check --fleet)",
      "serve",
    )
    .option("--publish <SUBJECT>", "what handlers publish beyond their metadata; can be given several times", collect)
    .option(
      "--answer <SUBJECT>",
      "inboxes of those who ask, instead of allow_responses; can be given several times",
      collect,
    )
    .option("--json", "as JSON")
    .action(async (_options, command: Command) => {
      const { permissions } = await import("./commands/permissions.ts");
      finish(await permissions({ terminal, options: command.optsWithGlobals() }));
    });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
