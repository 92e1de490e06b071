import lodash = require("lodash");

export = {
  metadata: { subject: "commonjs.cts", kind: "request" },
  default: (text: string): string => lodash.camelCase(text),
};
