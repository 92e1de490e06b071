// The engine is found by a text.
import { join } from "node:path";
import express from "express";

const app = express()
  .set("view engine", "ejs")
  .set("views", join(import.meta.dirname, "../views"));

export const metadata = { subject: "texts.express", kind: "request" } as const;
export default (name: string) =>
  new Promise((resolve, reject) =>
    app.render("letter", { name }, (error, text) => (error ? reject(error) : resolve(text.trim()))),
  );
