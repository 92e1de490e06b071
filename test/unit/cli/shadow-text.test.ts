import { expect, it } from "vitest";
import { printShadow } from "../../../runtime/cli/shadow-text.ts";
import type { Shadowed } from "../../../runtime/shadow/shadow.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const title = {
  handler: "orders/bill",
  stream: "ORDERS",
  before: "the build in /srv/deployed",
  after: "the working tree",
};
const took = { before: { p50Ms: 0.42, p95Ms: 1.25 }, after: { p50Ms: 12.3, p95Ms: 240 } };
const same: Shadowed = {
  messages: 412,
  differing: 0,
  unsteady: 0,
  differences: [],
  noise: [],
  took,
  versions: { before: "1a2b3c4d", after: "9f8e7d6c" },
  subjects: { before: "orders.placed", after: "orders.placed" },
};

function printed(shadowed: Shadowed): string {
  const terminal = fakeTerminal({ isTerminal: true });
  printShadow(shadowed, title, terminal.out);
  return terminal.stdout();
}

it("without a difference it says so, and how long both took", () => {
  expect(printed(same)).toBe(`orders/bill: 412 messages of stream ORDERS
  before  1a2b3c4d  p50 0.4 ms, p95 1.3 ms  the build in /srv/deployed
  after   9f8e7d6c  p50 12 ms, p95 240 ms  the working tree

✓ no difference
`);
});

it("each difference has its messages and examples; no line is wider than 80 columns, and none moves the cursor", () => {
  const example = { sequence: 1017, before: `"${"x".repeat(120)}"`, after: '"\u001b[2J"' };
  const text = printed({
    ...same,
    differing: 57,
    unsteady: 1,
    noise: Array.from({ length: 20 }, (_, at) => `publish orders.billed: data.part${at}`),
    subjects: { before: "orders.*", after: "orders.placed" },
    differences: [{ what: "publish orders.billed: data.cents", messages: 57, examples: [example] }],
  });
  for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  expect(text).not.toContain("\u001b");
  expect(text).toContain("subject: orders.* before, orders.placed after");
  expect(text).toContain("1 message");
  expect(text).toContain("and 12 more");
  expect(text).toContain(
    "\n✗ 1 difference, in 57 of 412 messages\n\npublish orders.billed: data.cents · 57 messages\n  1017  - ",
  );
});
