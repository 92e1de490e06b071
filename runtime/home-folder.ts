// Where the files of this user lie. The user of a container may have neither HOME nor an entry in /etc/passwd.

import { homedir } from "node:os";

/** HOME, else what the system says, else `/`, which container runtimes give to a user without a home. Never throws. */
export function homeFolder(env: NodeJS.ProcessEnv, systemHome: () => string = homedir): string {
  try {
    return env.HOME || systemHome() || "/";
  } catch {
    return "/"; // the system knows no such user
  }
}
