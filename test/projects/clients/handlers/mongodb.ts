import { MongoClient, ObjectId } from "mongodb";

const client = new MongoClient("mongodb://127.0.0.1:1", { serverSelectionTimeoutMS: 50 });

export const metadata = { subject: "clients.mongodb", kind: "request" } as const;
export const teardown = () => client.close();
export default async () => {
  const failure = await client.connect().catch((error: Error) => error.name);
  return [failure, new ObjectId("0123456789abcdef01234567").toHexString()];
};
