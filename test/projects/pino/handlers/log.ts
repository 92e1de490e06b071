// A transport is a package that is named in a text, and that a worker thread of another package loads.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";

const folder = mkdtempSync(join(tmpdir(), "pretty-"));
const destination = join(folder, "log");
const transport = pino.transport({
  target: "pino-pretty",
  options: { destination, colorize: false, ignore: "time,pid,hostname" },
});
const log = pino(transport);

export const metadata = { subject: "pino.log", kind: "request" } as const;
export const teardown = () => rmSync(folder, { recursive: true, force: true });
export default async () => {
  log.info("hello from a transport");
  while (!existsSync(destination) || readFileSync(destination).length === 0)
    await new Promise((wait) => setTimeout(wait, 10));
  return readFileSync(destination, "utf8").split("\n")[0];
};
