// The types that users compile against, as one file under review: a change of them shows in the diff.
// After a change that is meant: `npx vitest run --project unit test/unit/sdk/api-report -u`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

it("the sdk exports the types that docs/api-report.txt says", async () => {
  const out = mkdtempSync(join(tmpdir(), "nats-handlers-api-"));
  try {
    execFileSync(
      process.execPath,
      [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.types.json", "--outDir", out],
      {
        cwd: ROOT,
      },
    );
    const report = readdirSync(join(out, "sdk"))
      .sort()
      .map((file) => `// sdk/${file}\n${withoutComments(readFileSync(join(out, "sdk", file), "utf8"))}`)
      .join("\n");
    await expect(report).toMatchFileSnapshot(join(ROOT, "docs/api-report.txt"));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*\*[\s\S]*?\*\/\n/gm, "").replace(/^\/\/.*\n/gm, "");
}
