// The page's beginning: the token out of the address, the live stream, the keyboard, then everything on screen.

import { render } from "preact";
import "./theme.ts";
import { Frame } from "./frame.tsx";
import { listenForKeys } from "./keys.ts";
import { startLive } from "./live.ts";
import { followLinks } from "./place.ts";
import { takeToken } from "./token.ts";

takeToken();
// The address of a new start, put into a tab that has the page of an earlier one: only what stands after # changes.
addEventListener("hashchange", () => {
  if (takeToken()) location.reload();
});
followLinks();
listenForKeys();
startLive();
const root = document.getElementById("app");
if (root !== null) {
  root.replaceChildren();
  render(<Frame />, root);
}
