// What somebody has to see to who takes a method over, though it can be one: what the handler's file cannot say for itself.

import type { PatternMethod } from "./controllers.ts";
import type { ServiceBehind } from "./services-behind.ts";
import type { Sources } from "./source.ts";
import { staticValue } from "./static-value.ts";

export function notesOn(sources: Sources, method: PatternMethod, services: readonly ServiceBehind[]): string[] {
  return [...new Set([...queueNotes(sources, method), ...settingsNotes(services)])];
}

/** `{ queue: "billing" }` beside the pattern. */
function queueNotes(sources: Sources, { patterns, owner }: PatternMethod): string[] {
  const { ts } = sources;
  const extras = patterns.flatMap(({ args }) => args.slice(1)).filter(ts.isObjectLiteralExpression);
  const queues = extras.flatMap(({ properties }) => properties.filter(ts.isPropertyAssignment));
  return queues
    .filter(({ name }) => name.getText() === "queue")
    .map(({ initializer }) => {
      const queue = staticValue(sources, owner.source, initializer);
      const which = typeof queue === "string" ? JSON.stringify(queue) : initializer.getText();
      return `its queue ${which} is not taken over: a handler's group is named by app and handler (\`handlers describe\`); give the pattern that one while both run`;
    });
}

/** A handler's process is given the variables that its metadata names, and no others. */
function settingsNotes(services: readonly ServiceBehind[]): string[] {
  const own = services.flatMap(({ name, declared }) => {
    const text = declared?.node.getText() ?? "";
    const names = [...text.matchAll(/\bprocess\.env(?:\.([A-Za-z_]\w*)|\[["'](\w+)["']\])/g)];
    const variables = [...new Set(names.map(([, dotted, quoted]) => dotted ?? quoted))];
    return variables.length === 0 ? [] : [`${name} reads ${variables.join(", ")} of process.env: name them in \`env\``];
  });
  const config = services.some(({ name, module }) => module === "@nestjs/config" && name === "ConfigService");
  const what =
    "its services read settings by ConfigService: name the variables behind them in `env`, here or in `defaults`";
  return config ? [...own, what] : own;
}
