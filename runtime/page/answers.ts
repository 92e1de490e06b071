// What the page's server and its browser say to each other. Types only, and nothing imported: both sides read this file.

/** How a state looks: the browser has one colour and one sign for each. */
export type Tone = "good" | "idle" | "coming" | "off" | "stuck" | "bad";

export interface ErrorNote {
  readonly code: string;
  readonly message: string;
  readonly place?: string | undefined;
  readonly frame?: string | undefined;
  readonly remedy?: string | undefined;
  /** When it happened; undefined where that is not known. */
  readonly atMs?: number | undefined;
}

/** Who turned a handler off, why and until when. */
export interface OffNote {
  readonly source: string;
  readonly by: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly untilMs?: number | undefined;
  readonly onReplicas: number;
}

/** What keeps messages from a handler that is well. */
export interface HoldNote {
  readonly text: string;
  readonly remedy: string;
  readonly sinceMs: number;
  readonly onReplicas: number;
}

/** An operator has it serve a version of before. */
export interface RollbackNote {
  /** Undefined: what is there does not build. */
  readonly from: string | undefined;
  readonly to: string;
  readonly by: string;
  readonly reason: string;
  readonly sinceMs: number;
  /** That version serves; it need not have come up. */
  readonly serves: boolean;
  readonly onReplicas: number;
}

/** One handler over all replicas. */
export interface HandlerRow {
  readonly name: string;
  readonly state: string;
  readonly tone: Tone;
  readonly file: string;
  readonly kind?: string | undefined;
  readonly subjects?: readonly string[] | undefined;
  /** All of them, in one text. */
  readonly subject?: string | undefined;
  /** Subjects that it publishes and requests, as far as it says so. */
  readonly publishes: readonly string[];
  readonly replicas: number;
  /** So many of them are in that state. */
  readonly inState: number;
  readonly versions: readonly { readonly version: string; readonly replicas: number }[];
  /** Empty: every replica serves its own version. */
  readonly rolledBack: readonly RollbackNote[];
  /** A new version is tried beside the one that serves, in words; on several replicas one each. */
  readonly canary: readonly string[];
  readonly inFlight: number;
  readonly queued: number;
  /** Messages of its stream that are not settled; undefined where there is no stream, or that is not known. */
  readonly pending?: number | undefined;
  readonly handled: number;
  readonly failed: number;
  /** Messages a second over the last seconds, and of these those that failed. */
  readonly rate: number;
  readonly failRate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly off: readonly OffNote[];
  readonly holds: readonly HoldNote[];
  /** How slowly an operator has it begin, in words. */
  readonly slowStart?: string | undefined;
  /** Why the last version did not come up. */
  readonly lastFailure?: ErrorNote | undefined;
  /** The last thing that went wrong. */
  readonly lastError?: ErrorNote | undefined;
}

export interface Replica {
  readonly instance: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAtMs: number;
}

/** One handler in one replica. */
export interface ReplicaRow extends Replica {
  readonly state: string;
  readonly tone: Tone;
  readonly version?: string | undefined;
  readonly pids: readonly number[];
  readonly memoryBytes?: number | undefined;
  readonly inFlight: number;
  readonly queued: number;
  readonly handled: number;
  readonly failed: number;
  readonly reloads: number;
  readonly restarts: number;
}

export interface HandlerDetail {
  readonly name: string;
  readonly replicas: readonly ReplicaRow[];
  /** Each different one once, newest first. */
  readonly errors: readonly ErrorNote[];
}

/** What goes on for a while, whether or not anybody looks. */
export interface OperationView {
  readonly id: string;
  readonly verb: "redrive" | "drop";
  /** Of what, in words. */
  readonly what: string;
  readonly total: number;
  readonly done: number;
  /** Letters a second; undefined: as fast as it goes. */
  readonly rate?: number | undefined;
  readonly state: "running" | "done" | "stopped" | "failed";
  readonly problem?: string | undefined;
}

/** How everything stands. After the first one only what has changed is sent. */
export interface BoardPart {
  readonly asOfMs: number;
  readonly replicas: readonly Replica[];
  /** Replicas that are there and do not answer. */
  readonly silent: readonly Replica[];
  readonly whole: boolean;
  readonly changed: readonly HandlerRow[];
  readonly gone: readonly string[];
  readonly letters: { readonly count: number; readonly lastSeq: number };
  readonly operations: readonly OperationView[];
  /** Why there is nothing newer. */
  readonly problem?: string | undefined;
}

export interface LogEntry {
  readonly replica: string;
  readonly timeMs: number;
  readonly level: string;
  readonly handler?: string | undefined;
  readonly text: string;
  /** The rest of the line as JSON; empty: there is none. */
  readonly fields: string;
  readonly frame?: string | undefined;
}

/** Asked once, when the page opens. */
export interface Session {
  readonly app: string;
  readonly server: string;
  readonly serverVersion: string;
  /** What may be done from here. */
  readonly actions: readonly string[];
  readonly showsPayloads: boolean;
  readonly version: string;
}

export interface LetterRow {
  readonly id: number;
  readonly handler: string;
  readonly reason: string;
  readonly message: string;
  readonly place?: string | undefined;
  readonly subject: string;
  readonly attempts: number;
  readonly redriven: number;
  readonly lastFailedAtMs: number;
  readonly version?: string | undefined;
}

/** Letters that failed in one place in the same way. */
export interface LetterGroup {
  readonly key: string;
  readonly handler: string;
  readonly reason: string;
  readonly message: string;
  readonly place?: string | undefined;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly versions: readonly string[];
}

export interface LetterTimes {
  readonly fromMs: number;
  readonly stepMs: number;
  readonly counts: readonly number[];
}

export interface LetterList {
  /** Of the filter, in all. */
  readonly total: number;
  /** The highest number among them: what is done to all of them is done up to here. */
  readonly upTo: number;
  readonly groups: readonly LetterGroup[];
  /** The newest of them. */
  readonly letters: readonly LetterRow[];
  /** When they failed last, over the time between the first and the last of them. */
  readonly times: LetterTimes;
  /** Handlers that have letters at all, for the filter. */
  readonly handlers: readonly string[];
  /** How many payloads were looked through for the words, of how many; undefined: none had to be. */
  readonly searched?: { readonly payloads: number; readonly of: number } | undefined;
}

export interface PayloadView {
  readonly bytes: number;
  readonly kind: "json" | "text" | "binary" | "empty" | "gone" | "hidden";
  readonly text: string;
  /** The end is not shown. */
  readonly cut: boolean;
  /** Something in it is shown as ***. */
  readonly masked: boolean;
}

export interface LetterDetail extends LetterRow {
  readonly firstFailedAtMs?: number | undefined;
  readonly keptAtMs: number;
  readonly stream?: string | undefined;
  readonly sequence: number;
  readonly instance: string;
  readonly stack?: string | undefined;
  readonly headers: readonly (readonly [string, string])[];
  readonly payload: PayloadView;
}

export interface StreamView {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly messages: number;
  readonly bytes: number;
  readonly firstAtMs?: number | undefined;
  readonly lastAtMs?: number | undefined;
  /** Undefined: it does not exist yet. */
  readonly exists: boolean;
  readonly takers: readonly TakerView[];
  readonly unclaimed: readonly { readonly subject: string; readonly messages: number }[];
}

/** A durable consumer of the app. */
export interface TakerView {
  readonly handler: string;
  readonly durable: string;
  readonly filter: string;
  readonly waiting: number;
  readonly pausedForMs?: number | undefined;
  /** No version of its handler that runs takes from it. */
  readonly left: boolean;
}

export interface WaitingView {
  readonly id: number;
  readonly target: string;
  readonly by: string;
  readonly dueMs: number;
  readonly bytes: number;
}

export interface StreamsView {
  readonly streams: readonly StreamView[];
  /** Streams that the runtime keeps for itself. */
  readonly own: readonly {
    readonly name: string;
    readonly what: string;
    readonly messages: number;
    readonly bytes: number;
  }[];
  readonly later: { readonly total: number; readonly messages: readonly WaitingView[] };
  /** What could not be read, and why. */
  readonly problems: readonly string[];
}

export interface SendResult {
  readonly subject: string;
  /** What the message is called: its way is found by it. */
  readonly origin: string;
  readonly bytes: number;
  readonly fate: "stored" | "taken" | "lost" | "replied" | "refused";
  readonly stream?: string | undefined;
  readonly sequence?: number | undefined;
  readonly tookMs: number;
  readonly reply?: PayloadView | undefined;
  /** Of a reply that is an error. */
  readonly error?: string | undefined;
}

export interface InvokeResult {
  readonly outcome: string;
  readonly tookMs: number;
  readonly replica: string;
  /** What it returned or yielded, where it replies. */
  readonly replies: readonly PayloadView[];
  readonly error?: ErrorNote | undefined;
}

/** What a handler takes. */
export interface SchemaView {
  readonly handler: string;
  /** JSON Schema draft-07. */
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
  /** Why there is none. */
  readonly problem?: string | undefined;
  /** With the defaults of what the handler does not state. */
  readonly metadata?: object | undefined;
}

export interface SwitchResult {
  readonly done: number;
  readonly late: readonly string[];
  /** `replicas`: the bucket does not answer now, and they write it there when it does. */
  readonly keptBy: "bucket" | "replicas";
}

export interface ReloadResult {
  readonly handlers: readonly {
    readonly replica: string;
    readonly state: string;
    readonly tookMs: number;
    readonly problem?: string | undefined;
  }[];
  readonly silent: readonly string[];
}

export interface Refusal {
  readonly error: { readonly code: string; readonly message: string; readonly remedy?: string | undefined };
}

/** The last hour of a handler, as far as the page looked. */
export interface HandlerHistory {
  /** When the last step ends. */
  readonly untilMs: number;
  readonly stepMs: number;
  readonly steps: number;
  /** Those that are known, in their order; `at`: which step, from 0. */
  readonly points: readonly {
    readonly at: number;
    readonly rate: number;
    readonly failRate: number;
    /** The most that waited. */
    readonly waiting: number;
    /** Half of what ended took at most so long, and of a hundred 99; undefined: nothing ended. */
    readonly p50Ms?: number;
    readonly p99Ms?: number;
  }[];
}

/** What `handlers shadow` found out last. */
export interface ShadowReport {
  readonly atMs: number;
  readonly stream: string;
  /** Where the versions came from, in words. */
  readonly before: string;
  readonly after: string;
  readonly versions: { readonly before: string; readonly after: string };
  readonly took: { readonly before: { readonly p50Ms: number }; readonly after: { readonly p50Ms: number } };
  readonly messages: number;
  /** Messages with any difference. */
  readonly differing: number;
  readonly differences: readonly {
    readonly what: string;
    readonly messages: number;
    /** None where payloads are not shown. */
    readonly examples: readonly { readonly sequence: number; readonly before: string; readonly after: string }[];
  }[];
}

export interface ShadowAnswer {
  /** Absent: it was not tried in the project that the page was started in. */
  readonly report?: ShadowReport;
}
