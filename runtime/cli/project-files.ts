// What `init` writes beside the handlers: the package, types, container, CI and editor settings of a new project.

import { SAMPLE } from "./project-sample.ts";

export interface NewProject {
  /** Of the package and the app: lower-case letters, digits and `-`. */
  readonly name: string;
  /** Of nats-handlers. */
  readonly runtimeVersion: string;
}

/** What a project needs beside nats-handlers, and the version this was tried with. */
export const PACKAGES = { zod: "^4.6.7" } as const;
export const DEV_PACKAGES = { "@types/node": "^22.20.7", typescript: "^7.0.2" } as const;

export const SCRIPTS = {
  dev: "handlers dev",
  start: "handlers start",
  build: "handlers build",
  check: "handlers check && tsc",
  test: "node --test",
} as const;

/** Path in the project to text. */
export function projectFiles(project: NewProject): Readonly<Record<string, string>> {
  return {
    "package.json": json(manifest(project)),
    "tsconfig.json": json(TSCONFIG),
    "handlers.config.ts": configOf(project),
    ...SAMPLE,
    Dockerfile: DOCKERFILE,
    ".dockerignore": DOCKERIGNORE,
    ".gitignore": GITIGNORE,
    ".editorconfig": EDITORCONFIG,
    ".github/workflows/ci.yml": WORKFLOW,
    ".vscode/launch.json": json(LAUNCH),
    ".vscode/settings.json": json(SETTINGS),
    "README.md": readmeOf(project),
  };
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function manifest({ name, runtimeVersion }: NewProject): object {
  return {
    name,
    version: "0.1.0",
    private: true,
    type: "module",
    engines: { node: ">=22.22" },
    scripts: SCRIPTS,
    dependencies: { "nats-handlers": `^${runtimeVersion}`, ...PACKAGES },
    devDependencies: DEV_PACKAGES,
  };
}

/** Node runs the sources as they are: what only a compiler could turn into JavaScript is refused. */
const TSCONFIG = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ["handlers", "handlers.config.ts"],
};

function configOf({ name }: NewProject): string {
  return `import { defineConfig } from "nats-handlers";

export default defineConfig({
  app: "${name}",
  // Where orders wait until they have been handled. \`dev\` makes it, and \`start --provision\`.
  streams: [{ name: "ORDERS", subjects: ["orders.placed"], maxAge: "7d" }],
});
`;
}

const DOCKERFILE = `# From the sources to an image that holds Node and one folder: the build of the handlers, with the runtime in it.

FROM node:24-slim AS sources
# Where the command line of nats-handlers is.
ARG HANDLERS=/app/node_modules/nats-handlers/bin/handlers.mjs
RUN ln -s "$HANDLERS" /usr/local/bin/handlers
WORKDIR /app
COPY package.json package-lock.json ./
# A registry of your own: \`docker build --secret id=npmrc,src=$HOME/.npmrc .\`
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --omit=dev --no-audit --no-fund
COPY . .

# Fails when any handler is not good.
FROM sources AS build
RUN handlers build

FROM node:24-slim
ENV NODE_ENV=production \\
    HANDLERS_HTTP_PORT=8088
WORKDIR /app
# Where handlers may keep things. Nothing else in the image is written to.
RUN install -d -o 1000 -g 1000 .handlers && ln -s /app/build/handlers.mjs /usr/local/bin/handlers
COPY --from=build /app/build build
# The compiled code of the runtime, so that the first start of a container is as fast as a second. Only this user finds it.
ENV NODE_COMPILE_CACHE=/app/.compiled
RUN install -d -o 1000 -g 1000 .compiled
USER 1000:1000
RUN handlers precompile
EXPOSE 8088
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \\
  CMD ["node", "-e", "fetch(\`http://127.0.0.1:\${process.env.HANDLERS_HTTP_PORT}/healthz\`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["handlers"]
CMD ["start"]
`;

const DOCKERIGNORE = `# What the image is not built from.
.git
.github
.vscode
.handlers
.dockerignore
Dockerfile
node_modules
build
*.md
.env*
.npmrc
`;

const GITIGNORE = `node_modules/
build/
.handlers/
.env*
`;

const EDITORCONFIG = `root = true

[*]
charset = utf-8
end_of_line = lf
indent_style = space
indent_size = 2
insert_final_newline = true
trim_trailing_whitespace = true
`;

const WORKFLOW = `name: CI

on:
  push:
    branches: [main]
  pull_request:

permissions:
  contents: read

jobs:
  handlers:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-node@v5
        with: { node-version: 24, cache: npm }
      - run: npm ci
      - run: npm run check
      - run: npm test
      - run: npm run build
`;

const LAUNCH = {
  version: "0.2.0",
  configurations: [
    {
      // `npm run dev -- --inspect orders/place` opens the port, and keeps it across reloads.
      name: "Attach to a handler",
      type: "node",
      request: "attach",
      port: 9229,
      restart: true,
    },
  ],
};

const SETTINGS = { "editor.formatOnSave": true, "files.exclude": { ".handlers": true } };

function readmeOf({ name }: NewProject): string {
  return `# ${name}

NATS subscribers, a file each: every file in \`handlers/\` is a handler, live as soon as it is saved.

\`\`\`sh
npm install
npm run dev      # serves them on a nats-server of its own, and reloads them as they are saved
npm test         # runs the tests; they need no NATS
npm run check    # builds and validates every handler, and checks the types
npm run build    # handlers and runtime in one folder, for \`start\` and for the Dockerfile
\`\`\`

While \`dev\` runs, in a second terminal:

\`\`\`sh
npx handlers request orders.place '{"item":"pear","cents":250}'
npx handlers new orders/hello    # another handler
npx handlers --help
\`\`\`
`;
}
