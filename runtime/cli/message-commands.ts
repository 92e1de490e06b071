// The commands that look after what is kept: dead letters, what is stored, what leaves later, messages nobody takes, durables without a handler.

import type { Command } from "commander";
import type { HandlerCommands } from "./handler-commands.ts";

export function addMessageCommands(program: Command, operating: HandlerCommands): void {
  program.commandsGroup("Look after messages:");
  const dlq = program
    .command("dlq")
    .description("dead letters: messages that were given up on, kept with their reason")
    .helpCommand(false);
  addLetters(dlq, operating);
  addMoving(dlq, operating);
  addReplay(program, operating);
  addCapture(program, operating);
  addScheduled(program, operating);
  addLeft(program, operating);
}

function addCapture(program: Command, { terminal, finish }: HandlerCommands): void {
  program
    .command("capture <SUBJECT>")
    .description("messages as files, which the test helpers read: what is published from now on, or what is stored")
    .requiredOption("--out <DIR>", "where they are written; what is there stays")
    .option("--from <TIME>", "those a stream has stored since: 2h, 18:30, 2030-01-31T18:30")
    .option("-n, --limit <COUNT>", "so many, then it ends", "10")
    .option("--json", "as JSON")
    .action(async (subject: string, _options, command: Command) => {
      const { capture } = await import("./commands/capture.ts");
      finish(await capture(subject, { terminal, options: command.optsWithGlobals() }));
    });
}

function addReplay(program: Command, { terminal, finish }: HandlerCommands): void {
  program
    .command("replay <NAME>")
    .description("stored messages again, to this one durable handler, beside its other messages")
    .requiredOption("--from <TIME|SEQ>", "stored since: 2h, 18:30, 2030-01-31T18:30; or from this number of the stream")
    .option("--to <TIME|SEQ>", "stored until, or up to this number; else up to the last it has had")
    .option("-n, --limit <COUNT>", "at most so many, oldest first")
    .option("--rate <COUNT>", "at most so many a second")
    .option("--again", "also those that an earlier replay has sent")
    .option("--dry-run", "only say how many")
    .option("--json", "as JSON")
    .action(async (name: string, _options, command: Command) => {
      const { replayStored } = await import("./commands/replay.ts");
      finish(await replayStored(name, { terminal, options: command.optsWithGlobals() }));
    });
}

function addScheduled(program: Command, { terminal, finish }: HandlerCommands): void {
  const scheduled = program
    .command("scheduled")
    .description(
      "messages that were published with a delay, or for a time, and wait to leave; schedules that handlers have made",
    )
    .helpCommand(false);
  scheduled
    .command("list")
    .description("what waits, due first, and schedules by key")
    .option("--handler <NAME>", "published, or made, by this handler")
    .option("-n, --limit <COUNT>", "at most so many", "50")
    .option("--json", "as JSON")
    .action(async (_options, command: Command) => {
      const { scheduledList } = await import("./commands/scheduled-list.ts");
      finish(await scheduledList({ terminal, options: command.optsWithGlobals() }));
    });
  scheduled
    .command("cancel [ID...]")
    .description("take them away before they leave; again is safe")
    .option("--key <KEY...>", "a schedule that a handler has made, by its key")
    .option("--json", "as JSON")
    .action(async (ids: string[], _options, command: Command) => {
      const { scheduledCancel } = await import("./commands/scheduled-cancel.ts");
      finish(await scheduledCancel(ids, { terminal, options: command.optsWithGlobals() }));
    });
}

function addLetters(dlq: Command, { terminal, finish }: HandlerCommands): void {
  dlq
    .command("list")
    .description("what failed, newest first")
    .option("--handler <NAME>", "of this handler")
    .option("--reason <REASON>", "that failed this way: threw, invalid, gave-up, timed-out, crashed, ...")
    .option("--since <TIME>", "kept since: 1h, 2d, 18:30, 2030-01-31T18:30")
    .option("-n, --limit <COUNT>", "at most so many", "50")
    .option("--json", "as JSON")
    .action(async (_options, command: Command) => {
      const { dlqList } = await import("./commands/dlq-list.ts");
      finish(await dlqList({ terminal, options: command.optsWithGlobals() }));
    });
  dlq
    .command("show <ID>")
    .description("one of them: payload, headers, reason, stack")
    .option("--json", "as JSON")
    .action(async (id: string, _options, command: Command) => {
      const { dlqShow } = await import("./commands/dlq-show.ts");
      finish(await dlqShow(id, { terminal, options: command.optsWithGlobals() }));
    });
}

function addMoving(dlq: Command, { terminal, finish }: HandlerCommands): void {
  dlq
    .command("redrive [ID...]")
    .description("send them again, each to the one handler that failed it")
    .option("--handler <NAME>", "all of this handler")
    .option("--reason <REASON>", "of these, those that failed this way")
    .option("--since <TIME>", "of these, those kept since")
    .option("--rate <COUNT>", "at most so many a second")
    .option("--dry-run", "only say which")
    .option("--json", "as JSON")
    .action(async (ids: string[], _options, command: Command) => {
      const { dlqRedrive } = await import("./commands/dlq-redrive.ts");
      finish(await dlqRedrive(ids, { terminal, options: command.optsWithGlobals() }));
    });
  dlq
    .command("try [ID...]")
    .description("run them through the handler of the working tree: which would pass now; nothing is sent")
    .option("--handler <NAME>", "all of this handler")
    .option("--reason <REASON>", "of these, those that failed this way")
    .option("--since <TIME>", "of these, those kept since")
    .option("--build <DIR>", "through this build, instead of the working tree")
    .option("--redrive", "and send those again that would pass")
    .option("--json", "as JSON")
    .action(async (ids: string[], _options, command: Command) => {
      const { dlqTry } = await import("./commands/dlq-try.ts");
      finish(await dlqTry(ids, { terminal, options: command.optsWithGlobals() }));
    });
  dlq
    .command("export [ID...]")
    .description("their messages as files, which the test helpers read; the letters stay")
    .requiredOption("--out <DIR>", "where they are written; what is there stays")
    .option("--handler <NAME>", "all of this handler")
    .option("--reason <REASON>", "of these, those that failed this way")
    .option("--since <TIME>", "of these, those kept since")
    .option("--json", "as JSON")
    .action(async (ids: string[], _options, command: Command) => {
      const { dlqExport } = await import("./commands/dlq-export.ts");
      finish(await dlqExport(ids, { terminal, options: command.optsWithGlobals() }));
    });
  dlq
    .command("purge")
    .description("remove them for good")
    .option("--handler <NAME>", "only of this handler")
    .option("--yes", "do it, and not only say how many")
    .option("--json", "as JSON")
    .action(async (_options, command: Command) => {
      const { dlqPurge } = await import("./commands/dlq-purge.ts");
      finish(await dlqPurge({ terminal, options: command.optsWithGlobals() }));
    });
}

function addLeft(program: Command, { terminal, finish }: HandlerCommands): void {
  program
    .command("unclaimed")
    .description("subjects stored in the app's streams that no handler takes")
    .option("--json", "as JSON")
    .action(async (_options, command: Command) => {
      const { unclaimedSubjects } = await import("./commands/unclaimed.ts");
      finish(await unclaimedSubjects({ terminal, options: command.optsWithGlobals() }));
    });
  program
    .command("prune")
    .description(
      "durable consumers whose handler file is gone, and what waits in them; or versions that are kept of such",
    )
    .option("--versions", "instead, the versions that are kept of handlers which no replica and no file has any more")
    .option("--former-app <NAME>", "those that this app left under an earlier name, where nothing of that name runs")
    .option("--yes", "remove them")
    .option("--json", "as JSON")
    .action(async (_options, command: Command) => {
      const { prune } = await import("./commands/prune.ts");
      finish(await prune({ terminal, options: command.optsWithGlobals() }));
    });
}
