const Handlebars = require("handlebars");

module.exports = async (name) => Handlebars.compile("Dear {{name}}")({ name });
module.exports.metadata = { subject: "commonjs.cjs", kind: "request" };
