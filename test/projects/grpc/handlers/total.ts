// The service is described by a file beside the handler, which a package reads.
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

interface Items {
  readonly cents: readonly number[];
}

const described = loadSync(fileURLToPath(new URL("./orders.proto", import.meta.url)));
const { Orders } = grpc.loadPackageDefinition(described).shop as grpc.GrpcObject;
const Client = Orders as grpc.ServiceClientConstructor;
const server = new grpc.Server();

export const metadata = { subject: "grpc.total", kind: "request" } as const;
export const teardown = () => server.forceShutdown();
export async function setup() {
  server.addService(Client.service, {
    total({ request }: { request: Items }, reply: (error: null, sum: { cents: number }) => void) {
      reply(null, { cents: request.cents.reduce((sum, one) => sum + one, 0) });
    },
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  );
  port = await promise;
}

let port = 0;

export default async (cents: number[]) => {
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const { promise, resolve, reject } = Promise.withResolvers<{ cents: number }>();
  client.total!({ cents }, (error: Error | null, sum: { cents: number }) =>
    error === null ? resolve(sum) : reject(error),
  );
  try {
    return (await promise).cents;
  } finally {
    client.close();
  }
};
