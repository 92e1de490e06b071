// Who handles the messages of a row: this project, or one that it is compared with.

import type { CliProcess } from "../support/cli-process.ts";

/** A handler as the row wants it, in words that every contender understands. */
export interface HandlerSpec {
  /** Its name, which is its file's too. */
  readonly name: string;
  /** What the ledger calls it. */
  readonly by: string;
  readonly subject: string;
  /** Durable unless given. */
  readonly kind?: "durable" | "event" | "request";
  /** Of the code. */
  readonly version: string;
  readonly attempts: number;
  readonly backoffMs: number;
  /** More metadata, as source text: of this project only. */
  readonly metadata?: string;
  /** Where it publishes the number of each message that it has handled. */
  readonly forward?: string;
}

/** What a replica is started with. */
export interface Deployment {
  readonly app: string;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ledger: string;
  readonly handlers: readonly HandlerSpec[];
  /** Serve and reload as files are saved, or serve. */
  readonly mode: "dev" | "start";
}

/** The place of one replica, which outlives its processes. */
export interface Home {
  /** Printed when it takes messages. */
  readonly ready: RegExp;
  /** Have the files of this deployment; a process that runs notices what it can notice. */
  put(deployment: Deployment): void;
  start(): CliProcess;
  /** The program that runs handlers, of a process that was started here. */
  workerOf(process: CliProcess): number | undefined;
  end(): void;
}

export interface Contender {
  readonly name: string;
  /** Whether it keeps dead letters as this project does. */
  readonly keepsLetters: boolean;
  /** What makes it end again and again is a fault of the row; of others it is what happens to them, and the row goes on. */
  readonly mustServe: boolean;
  /** It makes the stream that it reads; otherwise an administrator has made it. */
  readonly makesStreams: boolean;
  /** How the names begin of the streams that the app reads. */
  streamsOf(app: string): string;
  /** Where a publisher sends what the app's handlers of this subject shall get. */
  published(app: string, subject: string): string;
  home(): Home;
}
