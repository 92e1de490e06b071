const moment = require("moment");
const { here, words } = require("../lib/words");

exports.metadata = { subject: "commonjs.js", kind: "request" };
exports.default = async (text) => [words(text), here, moment.utc(0).year(), typeof require("../package.json").name];
