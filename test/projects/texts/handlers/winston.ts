import { Writable } from "node:stream";
import winston from "winston";

export const metadata = { subject: "texts.winston", kind: "request" } as const;
export default (name: string) => {
  const lines: string[] = [];
  const stream = new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk).trim())) });
  winston
    .createLogger({ format: winston.format.simple(), transports: [new winston.transports.Stream({ stream })] })
    .info(name);
  return new Promise((resolve) => setImmediate(() => resolve(lines)));
};
