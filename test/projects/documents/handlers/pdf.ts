// The fonts lie beside the package's code.
import PDFDocument from "pdfkit";

export const metadata = { subject: "documents.pdf", kind: "request" } as const;
export default async (name: string) => {
  const document = new PDFDocument();
  const parts: Buffer[] = [];
  document.on("data", (part: Buffer) => parts.push(part));
  document.font("Times-Italic").text(`Dear ${name}`).end();
  await new Promise((end) => document.on("end", end));
  return Buffer.concat(parts).subarray(0, 5).toString();
};
