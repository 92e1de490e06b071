// One file under `handlers/`: where it is and what it is called.

export interface HandlerFile {
  /** Path below the handlers folder, without extension, with `/`: `todo/save`. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  /** Path from the project's root with `/`, for messages: `handlers/todo/save.ts`. */
  readonly displayPath: string;
}
