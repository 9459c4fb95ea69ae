/** Sections whose values are all hidden: a misplaced value there may well be the secret. */
const SECRET_SECTIONS = ["database", "encryption"];

/** The printable path of a setting: a value that slipped into the place of a name is left out. */
export function shownPath(parts: readonly string[]): string {
  return parts.map((part) => (mayBeShown(part) ? part : "…")).join(".");
}

function mayBeShown(part: string): boolean {
  const isUserGlob = /^@[^\s@/:]*:[^\s@/]+$/.test(part);
  return part.length <= 100 && (isUserGlob || !/:\/\/|[@\s]/.test(part));
}

/** A printable form of a value: short, on one line, and never a secret. */
export function shownValue(value: unknown, path: readonly string[]): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a group of settings";
  if (SECRET_SECTIONS.includes(path[0] ?? "") || mayHoldPassword(value, path)) return "a value that is not shown";
  // YAML has NaN and Infinity, JSON does not.
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

function mayHoldPassword(value: unknown, path: readonly string[]): boolean {
  return typeof value === "string" && (/:\/\/.*@/s.test(value) || (path.at(-1) === "url" && /[@?#]/.test(value)));
}
