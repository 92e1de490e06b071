// What the bench prints and draws of what it measured.

import { describe, expect, it } from "vitest";
import { numbersTable, rowsOf } from "../../bench/output/numbers.ts";
import { renderPicture } from "../../bench/output/picture.ts";
import { wrap } from "../../bench/processes/wire.ts";
import { fallsShort, THRESHOLDS } from "../../bench/thresholds.ts";

describe("the table of numbers", () => {
  it("judges each measured row by its own direction, and leaves out what was not measured", () => {
    const rows = rowsOf({ blockedLoop: 251, eventRate: 1, requestP50: 1.36 });
    expect(rows.map(({ name, verdict }) => [name, verdict])).toEqual([
      ["eventRate", "beyond"],
      ["requestP50", "missed"],
      ["blockedLoop", "reached"],
    ]);
  });

  it("shows bars and figures with their units", () => {
    const [row] = numbersTable(rowsOf({ blockedLoop: 251 })).rows;
    expect(row).toEqual([THRESHOLDS.blockedLoop.what, "<= 1,000 ms", "<= 250 ms", "251.0 ms", "reached"]);
  });

  it("a row that is worse than its bar by a tenth or less has missed it, and does not fail the run", () => {
    const short = rowsOf({
      requestP50: 1.4,
      publishCpu: 2.7,
      eventRate: 0.73,
      durableRate: 0.62,
      disabled: Number.NaN,
    });
    expect(short.map(({ verdict }) => verdict)).toEqual(Array(5).fill("missed"));
    expect(short.filter((row) => fallsShort(row.measured, row)).map(({ name }) => name)).toEqual([
      "publishCpu",
      "durableRate",
      "disabled",
    ]);
  });

  it("counts what could not be measured as missed", () => {
    expect(rowsOf({ durableRate: Number.NaN }).map(({ verdict }) => verdict)).toEqual(["missed"]);
  });
});

describe("a picture", () => {
  const bars = [
    { label: "a < b", value: 100, shown: "100" },
    { label: "ours", value: 50, shown: "50", ours: true },
  ];

  it("has bars as long as their values, and ours stands out", () => {
    const svg = renderPicture({ file: "x", title: "Rates", subtitle: "more is better", bars });
    const widths = [...svg.matchAll(/<rect class="(bar|ours)" .*?width="([\d.]+)"/g)].map(([, kind, width]) => [
      kind,
      Number(width),
    ]);
    expect(widths.map(([kind]) => kind)).toEqual(["bar", "ours"]);
    expect(Number(widths[0]![1]) / Number(widths[1]![1])).toBeCloseTo(2, 1);
  });

  it("escapes what it is given", () => {
    expect(renderPicture({ file: "x", title: "R&D", subtitle: "", bars })).toContain(">a &lt; b</text>");
  });
});

it("a wire form holds the payload as it is, dollar signs included", () => {
  expect(wrap('{"id":"$ID","data":$DATA}', '{"price":"$& $1"}', 7)).toBe('{"id":"7","data":{"price":"$& $1"}}');
});
