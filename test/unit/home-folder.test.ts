import { expect, it } from "vitest";
import { homeFolder } from "../../runtime/home-folder.ts";

function noSuchUser(): string {
  throw new Error("A system error occurred: uv_os_homedir returned ENOENT (no such file or directory)");
}

it("the home folder is HOME, else the system's, else / for a user whom the system does not know", () => {
  expect(homeFolder({ HOME: "/home/ann" }, () => "/home/system")).toBe("/home/ann");
  expect(homeFolder({}, () => "/home/system")).toBe("/home/system");
  expect(homeFolder({ HOME: "" }, noSuchUser)).toBe("/");
});
