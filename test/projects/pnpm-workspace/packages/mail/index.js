// CommonJS, with templates beside it.
const fs = require("node:fs");
const path = require("node:path");
const Handlebars = require("handlebars");

exports.letter = (name, values) =>
  Handlebars.compile(fs.readFileSync(path.join(__dirname, "templates", `${name}.html`), "utf8").trim())(values);
