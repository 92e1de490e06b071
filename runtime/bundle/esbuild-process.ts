// esbuild's own process: one serves all of this process. Whoever asks first starts it, and it ends with the last that needs
// it. As ending it fails whatever it is at, all that is asked of it is asked by someone who holds it.
import { stop } from "esbuild";

let holders = 0;

/** It stays until `letGo`, to be called once for each call of this. */
export function hold(): void {
  holders++;
}

/** A later question starts another, which takes some 50 ms. */
export async function letGo(): Promise<void> {
  if (--holders === 0) await stop();
}

/** It stays while `work` goes on. */
export async function holding<T>(work: () => Promise<T>): Promise<T> {
  hold();
  try {
    return await work();
  } finally {
    await letGo();
  }
}
