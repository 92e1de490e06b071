// Native code in a package of its own for each platform.
import { hash, verify } from "@node-rs/argon2";

export const metadata = { subject: "compiled-code.hash", kind: "request" } as const;
export default async (password: string) => {
  const hashed = await hash(password);
  return [hashed.startsWith("$argon2id$"), await verify(hashed, password), await verify(hashed, "other")];
};
