// The versions of a handler since somebody looked: what each did to its failures.

import { momentText, spanText } from "../../../terminal/time-text.ts";
import type { SeenVersion } from "../../version-history.ts";
import { nowMs } from "../live.ts";
import { useLoaded } from "../parts/loaded.ts";
import { countText } from "../words.ts";

const AGAIN_MS = 5_000;

/** @param now the versions that serve: another one is told of at once */
export function Versions({ name, now }: { readonly name: string; readonly now: string }) {
  const again = `${now} ${Math.floor(nowMs.value / AGAIN_MS)}`;
  const loaded = useLoaded<readonly SeenVersion[]>("/api/versions", { name }, again);
  if (loaded.kind !== "there" || loaded.value.length === 0) return null;
  return (
    <section>
      <h2>Versions</h2>
      <section class="scrolls" tabIndex={0} aria-label="Versions">
        <table class="plain">
          <thead>
            <tr>
              <th>Version</th>
              <th>Came</th>
              <th class="number">Handled</th>
              <th class="number">Failed</th>
              <th class="number">Of all</th>
            </tr>
          </thead>
          <tbody>
            {loaded.value.map((seen) => (
              <tr key={seen.version}>
                <th scope="row" class="mono">
                  {seen.version.slice(0, 8)} {seen.serves && <span class="dim">serves</span>}
                </th>
                <td>{cameText(seen, nowMs.value)}</td>
                <td class="number">{countText(seen.handled)}</td>
                <td class="number">{countText(seen.failed)}</td>
                <td class="number">{shareText(seen)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="dim">
        Counted since this page looks, and only while it does. What came with a start was deployed, or was there when{" "}
        <code>dev</code> began.
      </p>
    </section>
  );
}

function cameText({ came, cameMs, fromMs, untilMs, serves }: SeenVersion, now: number): string {
  const how = came === "start" ? "with a start" : "by a save or reload";
  const when = cameMs === undefined ? `before ${momentText(fromMs, now)}` : momentText(cameMs, now);
  const seen = serves ? "" : `, seen for ${spanText(Math.max(1_000, untilMs - fromMs))}`;
  return `${how} ${when}${seen}`;
}

function shareText({ handled, failed }: SeenVersion): string {
  const all = handled + failed;
  if (all === 0) return "—";
  const share = (failed / all) * 100;
  return `${share === 0 || share >= 10 ? Math.round(share) : share.toFixed(1)} %`;
}
