// What a worker sees of the supervisor's environment: a safe base, and the variables its handler declares. Never the
// NATS credentials.

/** What programs need to find their files, their language and their certificates; nothing that holds a secret. */
const BASE = [
  "PATH",
  "HOME",
  "USER",
  "LANG",
  "LANGUAGE",
  "TZ",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SystemRoot",
  "NODE_ENV",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];

type Environment = Readonly<Record<string, string | undefined>>;

export function baseEnvironment(environment: Environment): Record<string, string> {
  const names = [...BASE, ...Object.keys(environment).filter((name) => name.startsWith("LC_"))];
  return pick(names, environment);
}

export function declaredEnvironment(
  names: readonly string[],
  environment: Environment,
): { values: Record<string, string>; missing: string[] } {
  return { values: pick(names, environment), missing: names.filter((name) => environment[name] === undefined) };
}

function pick(names: readonly string[], environment: Environment): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = environment[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
