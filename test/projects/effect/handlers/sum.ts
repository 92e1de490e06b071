import { Effect, pipe } from "effect";

export const metadata = { subject: "effect.sum", kind: "request" } as const;
export default (numbers: number[]) =>
  Effect.runPromise(
    pipe(
      Effect.all(numbers.map((n) => Effect.succeed(n))),
      Effect.map((all) => all.reduce((sum, n) => sum + n, 0)),
    ),
  );
