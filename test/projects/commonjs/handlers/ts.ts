import _ from "lodash";
import moment from "moment";
import { here } from "../lib/words";

export const metadata = { subject: "commonjs.ts", kind: "request" } as const;
export default (text: string) => [_.kebabCase(text), here, moment.utc(0).year()];
