import { Redis } from "ioredis";

const redis = new Redis({ port: 1, lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });

export const metadata = { subject: "clients.redis", kind: "request" } as const;
export default () => redis.connect().catch((error: Error) => error.message);
