// It reads a style sheet that lies beside its code.
import { JSDOM } from "jsdom";

export const metadata = { subject: "texts.jsdom", kind: "request" } as const;
export default (name: string) => {
  const { document } = new JSDOM(`<p id="p">${name}</p>`).window;
  return [document.querySelector("#p")?.textContent, document.defaultView?.getComputedStyle(document.body).display];
};
