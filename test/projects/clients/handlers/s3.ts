import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";

const credentials = { accessKeyId: "a", secretAccessKey: "b" };
const client = new S3Client({ region: "eu-central-1", endpoint: "http://127.0.0.1:1", credentials, maxAttempts: 1 });

export const metadata = { subject: "clients.s3", kind: "request" } as const;
export default () =>
  client.send(new GetObjectCommand({ Bucket: "b", Key: "k" })).catch((error: { code?: string }) => error.code);
