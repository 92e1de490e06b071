// `handlers precompile`: run once where an image is made, with NODE_COMPILE_CACHE set. It loads all that `start` loads and
// starts nothing, so that Node keeps the compiled code: for this Node, this place and this user, and read-only if need be.

import type { ExitCode } from "../exit-code.ts";

export async function precompile(): Promise<ExitCode> {
  const [{ loadRuntime }] = await Promise.all([
    import("../../compose/start.ts"),
    import("../../config/load.ts"),
    import("./start.ts"),
  ]);
  await loadRuntime();
  return 0;
}
