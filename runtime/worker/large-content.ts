// The content of a message that could not hold it, fetched from its bucket before the message is run.

import { readLargeHeader } from "../message/large-content.ts";
import type { MessageStores } from "./stores.ts";

export type FetchedContent = { readonly bytes: Buffer } | { readonly gone: string };

/** Rejects while the bucket cannot be read. */
export async function fetchLargeContent(header: string, stores: MessageStores): Promise<FetchedContent> {
  const large = readLargeHeader(header);
  if (large === undefined) return { gone: `its header Handlers-Large names no bucket of large contents: ${header}` };
  const { bucket, name } = large;
  const what = `its content is gone: object "${name}" of bucket "${bucket}"`;
  try {
    const bytes = await stores.objectBytes(bucket, name);
    if (bytes !== undefined) return { bytes };
    return {
      gone: `${what} is not there any more (\`largePayloads.ttl\` of whoever published it says how long it is kept)`,
    };
  } catch (error) {
    if ((error as { code?: unknown }).code === NO_BUCKET) return { gone: `${what} is not there, nor is the bucket` };
    throw error;
  }
}

const NO_BUCKET = 404;
