// The bucket that says which handlers are disabled: replicas follow it, and end what is over in it; operators write it.

import { bucketName, intentStream } from "../control/intent-store.ts";
import type { Grant } from "./grant.ts";
import { ACCOUNT_INFO, consumersOf, directGet, flowControl, streamApi } from "./jetstream-api.ts";

export function bucketUse(app: string): Grant {
  const stream = intentStream(app);
  return {
    why: "Which handlers are disabled, and which rolled back: a bucket that is read, followed and written.",
    publish: [
      ACCOUNT_INFO,
      ...streamApi(stream, "INFO", "MSG.GET"),
      directGet(stream),
      ...consumersOf(stream, "CREATE", "INFO", "DELETE"),
      ...flowControl(stream),
      `$KV.${bucketName(app)}.>`,
    ],
  };
}
