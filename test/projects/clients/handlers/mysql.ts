import mysql from "mysql2/promise";

export const metadata = { subject: "clients.mysql", kind: "request" } as const;
export default () =>
  mysql.createConnection({ port: 1, host: "127.0.0.1" }).catch((error: { code?: string }) => error.code);
