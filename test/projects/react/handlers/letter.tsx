import { renderToStaticMarkup } from "react-dom/server";
import { Letter } from "./_letter.tsx";

export const metadata = { subject: "react.letter", kind: "request" } as const;
export default (name: string) => renderToStaticMarkup(<Letter name={name} />);
