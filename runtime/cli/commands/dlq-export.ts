// `handlers dlq export`: the messages of dead letters as files, for tests.

import { resolve } from "node:path";
import { writeMessageFile } from "../../message-file.ts";
import { printLine } from "../../terminal/terminal.ts";
import { countText } from "../control-session.ts";
import { type QueryOptions, withLetters } from "../dead-letter-filter.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Invocation } from "../invocation.ts";
import { lettersMeant, readWanted } from "./dlq-redrive.ts";

export interface DlqExportOptions extends QueryOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** 0: all that are meant; 1: some are not there, or their payload is not. The letters stay. */
export async function dlqExport(
  words: readonly string[],
  { terminal, options }: Invocation<DlqExportOptions>,
): Promise<ExitCode> {
  const { out, err } = terminal;
  const wanted = readWanted(words, options);
  const folder = resolve(terminal.cwd, options.out);
  return withLetters<ExitCode>(terminal, options, async (desk) => {
    const letters = await lettersMeant(wanted, options, desk);
    const files: string[] = [];
    const missing = "ids" in wanted ? wanted.ids.filter((id) => !letters.some((letter) => letter.id === id)) : [];
    for (const { id } of letters.toSorted((a, b) => a.id - b.id)) {
      const letter = await desk.box.show(id);
      if (letter === undefined || letter.gone) {
        missing.push(id);
        continue;
      }
      const { subject, headers, data, handler, reason, message } = letter;
      const deadLetter = { id, handler, reason, message };
      files.push(writeMessageFile(folder, { subject, headers: byName(headers), payload: data }, { deadLetter }));
    }
    if (options.json === true) printLine(out, JSON.stringify({ folder, files, missing }));
    else printLine(out, `${countText(files.length, "message")} written to ${folder}`);
    if (options.json !== true)
      for (const id of missing) printLine(err, `dead letter ${id} is not there, or its payload is gone`);
    return missing.length === 0 ? 0 : 1;
  });
}

function byName(headers: readonly (readonly [string, string])[]): Record<string, string[]> {
  const all = new Map<string, string[]>();
  for (const [name, value] of headers) all.set(name, [...(all.get(name) ?? []), value]);
  return Object.fromEntries(all);
}
