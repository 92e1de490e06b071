// Text that came from anywhere, made safe to show: on a terminal control characters would be obeyed.

/** Control characters other than line ends and tabs as `\x1b`. */
export function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
