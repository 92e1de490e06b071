const path = require("node:path");
const { upperFirst } = require("lodash");

module.exports = { here: path.basename(__dirname), words: (text) => upperFirst(text) };
