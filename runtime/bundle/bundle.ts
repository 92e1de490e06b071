// The built code of one handler, named by its content.

export interface Bundle {
  /** The handler's name. */
  readonly handler: string;
  /** Content hash, 12 hex digits: the handler's `version`. */
  readonly version: string;
  /** Absolute path of the ES module the worker imports. */
  readonly path: string;
  /** Absolute paths of the modules it imports before that. */
  readonly preload: readonly string[];
  /** Modules that it runs by their place, such as workers. */
  readonly companions: readonly Bundle[];
  /** Absolute paths of every source file of the author's that went into it, the handler file included. */
  readonly inputs: readonly string[];
  /** Size of the code in bytes, source map excluded. */
  readonly sizeBytes: number;
}
