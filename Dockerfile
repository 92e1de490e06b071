# From a clone to an image that holds Node and one folder: the build of the handlers, with the runtime in it.
# docs/deploy.md tells how it is used, and the one line that differs in a project of your own.

FROM node:24-slim AS sources
# Where the command line of nats-handlers is. In your own project: /app/node_modules/nats-handlers/bin/handlers.mjs
ARG HANDLERS=/app/bin/handlers.mjs
RUN ln -s "$HANDLERS" /usr/local/bin/handlers
WORKDIR /app
COPY package.json package-lock.json ./
# A registry of your own: `docker build --secret id=npmrc,src=$HOME/.npmrc .`
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --omit=dev --no-audit --no-fund
COPY . .

# With the tools to build and watch: for handlers mounted from a volume. `docker build --target dev .`
FROM sources AS dev
RUN install -d -o 1000 -g 1000 .handlers
USER 1000:1000
EXPOSE 8088
ENTRYPOINT ["handlers"]
CMD ["start"]

# Fails when any handler is not good.
FROM sources AS build
RUN handlers build

FROM node:24-slim
LABEL org.opencontainers.image.title="nats-handlers" \
      org.opencontainers.image.description="NATS subscribers, a file each: built handlers and the runtime that serves them" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    HANDLERS_HTTP_PORT=8088
WORKDIR /app
# Where handlers may keep things, as the sample its database. Nothing else in the image is written to.
RUN install -d -o 1000 -g 1000 .handlers && ln -s /app/build/handlers.mjs /usr/local/bin/handlers
COPY --from=build /app/build build
# The compiled code of the runtime, so that the first start of a container is as fast as a second. Only this user finds it.
ENV NODE_COMPILE_CACHE=/app/.compiled
RUN install -d -o 1000 -g 1000 .compiled
USER 1000:1000
RUN handlers precompile
EXPOSE 8088
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HANDLERS_HTTP_PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["handlers"]
CMD ["start"]
