// How much of a soak is run: a third in the README's test command, all of it in the nightly one (`npm run test:nightly`).

/** So many, or some of them: a third, where it is not said how many. */
export function volume(all: number, some = Math.ceil(all / 3)): number {
  return process.env.TEST_VOLUME === "full" ? all : some;
}
