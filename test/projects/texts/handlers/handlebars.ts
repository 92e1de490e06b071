import Handlebars from "handlebars";

export const metadata = { subject: "texts.handlebars", kind: "request" } as const;
export default (name: string) => Handlebars.compile("Dear {{name}}")({ name });
