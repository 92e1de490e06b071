// Who a client can be to a nats-server: an operator's accounts and users, certificates of an authority of one's own.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";

/** An operator with a system account, an account and a user in it, as `nsc` would make them; also one that expires. */
export function makeOperator(): { config: string; creds: string; credsUntil(expiresAtMs: number): string } {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const system = nkeys.createAccount();
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const sign = (by: typeof operator, of: typeof operator, nats: object, times: { exp?: number } = {}) => {
    const claims = {
      jti: "test",
      iat: 1_700_000_000,
      iss: by.getPublicKey(),
      name: "test",
      sub: of.getPublicKey(),
      nats,
      ...times,
    };
    const signed = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part(claims)}`;
    return `${signed}.${Buffer.from(by.sign(Buffer.from(signed))).toString("base64url")}`;
  };
  const unlimited = { subs: -1, conn: -1, leaf: -1, imports: -1, exports: -1, data: -1, payload: -1, wildcards: true };
  const operatorJwt = sign(operator, operator, { type: "operator", version: 2 });
  const accountClaims = { type: "account", version: 2, limits: unlimited };
  const accounts = [account, system].map((of) => `${of.getPublicKey()}: ${sign(operator, of, accountClaims)}`);
  const userClaims = { type: "user", version: 2, subs: -1, data: -1, payload: -1 };
  const credsOf = (userJwt: string) =>
    [
      `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n`,
      `-----BEGIN USER NKEY SEED-----\n${Buffer.from(user.getSeed())}\n------END USER NKEY SEED------\n`,
    ].join("\n");
  return {
    config: [
      `operator: ${operatorJwt}`,
      `system_account: ${system.getPublicKey()}`,
      `resolver: MEMORY`,
      `resolver_preload: { ${accounts.join(", ")} }`,
    ].join("\n"),
    creds: credsOf(sign(account, user, userClaims)),
    credsUntil: (expiresAtMs) => credsOf(sign(account, user, userClaims, { exp: Math.floor(expiresAtMs / 1_000) })),
  };
}

/** An authority in `folder`, and one certificate each for a server on this machine and for a client. */
export function makeCertificates(folder: string) {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8", cwd: folder });
    if (status !== 0) throw new Error(stderr);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test-authority", "-days", "2");
  for (const name of ["server", "client"]) {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const sign = ["-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    writeFileSync(at("san.cnf"), "subjectAltName=IP:127.0.0.1,DNS:localhost");
    openssl("x509", ...sign, "-out", `${name}.pem`, "-extfile", "san.cnf");
  }
  return {
    ca: at("ca.pem"),
    serverCert: at("server.pem"),
    serverKey: at("server.key"),
    clientCert: at("client.pem"),
    clientKey: at("client.key"),
  };
}
