// Texts in a folder of the project, and a locale that a package requires by a name of its own.
import { join } from "node:path";
import i18next from "i18next";
import Backend from "i18next-fs-backend";
import moment from "moment";
import "moment/locale/de.js";

const texts = join(import.meta.dirname, "../locales");

export const metadata = { subject: "documents.translated", kind: "request" } as const;
export const setup = async () => {
  const backend = { loadPath: `${texts}/{{lng}}/{{ns}}.json` };
  await i18next.use(Backend).init({ lng: "de", ns: "letter", defaultNS: "letter", backend });
};
export default (name: string) => [
  i18next.t("dear", { name }),
  moment.utc("2026-03-01").locale("de").format("dddd, D. MMMM"),
];
