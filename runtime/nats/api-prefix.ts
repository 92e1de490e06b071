// Under which subjects a JetStream is asked: that of the account, or one with a domain of its own (a hub, seen from a leaf node).

export const ACCOUNT_API = "$JS.API";

export function apiPrefix(domain: string | undefined): string {
  return domain === undefined ? ACCOUNT_API : `$JS.${domain}.API`;
}
