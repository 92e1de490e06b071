// Series as Prometheus' text format has them (exposition format 0.0.4). Written by hand and not by prom-client, whose way
// through an object for each series blocks the loop for a sixth of a second when there are a thousand handlers.

export interface Sample {
  /** `_bucket`, `_sum` or `_count` of a histogram; else empty. */
  readonly suffix: string;
  /** As `labelText` writes them. */
  readonly labels: string;
  readonly value: number;
}

export interface FamilyHead {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
}

export function familyText({ name, help, type }: FamilyHead, samples: readonly Sample[]): string {
  let text = `# HELP ${name} ${help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}\n# TYPE ${name} ${type}\n`;
  for (const { suffix, labels, value } of samples) {
    text += labels === "" ? `${name}${suffix} ${value}\n` : `${name}${suffix}{${labels}} ${value}\n`;
  }
  return text;
}

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");
}

function escaped(value: string): string {
  return /[\\\n"]/.test(value) ? value.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/"/g, '\\"') : value;
}
