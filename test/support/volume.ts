// How much of a soak is run: a third in the README's test command, all of it in the nightly one (`npm run test:nightly`).

/** So many, or a third of them. */
export function volume(all: number): number {
  return process.env.TEST_VOLUME === "full" ? all : Math.ceil(all / 3);
}
