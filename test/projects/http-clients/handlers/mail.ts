import { createTransport } from "nodemailer";

const mail = createTransport({ streamTransport: true, buffer: true });

export const metadata = { subject: "http-clients.mail", kind: "request" } as const;
export default async (to: string) => {
  const { message } = await mail.sendMail({ from: "shop@example.com", to, subject: "Hello", text: "Dear Ada" });
  return /^To: (.*)\r$/m.exec(String(message))?.[1];
};
