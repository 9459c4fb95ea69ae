/** Whether the bridge says in this piece of its log that it is ready. */
export function saysReady(log: string): boolean {
  return log.split("\n").some((line) => parseLine(line)?.["msg"] === "ready");
}

/**
 * The last warnings and errors of a log in words, and the lines that are no log entries: a refused start is told that
 * way.
 */
export function lastWords(log: string, count = 8): string {
  const words = log
    .split("\n")
    .filter((line) => line.trim() !== "" && !NODE_WARNING.test(line))
    .flatMap((line) => {
      const entry = parseLine(line);
      if (entry === undefined) return [line];
      return typeof entry["level"] === "number" && entry["level"] >= WARN ? [describe(entry)] : [];
    });
  return words.slice(-count).join("\n");
}

/** Node's own remarks, such as those on deprecated calls in dependencies. */
const NODE_WARNING = /^\((?:node:\d+\)|Use `node )/;

/** pino's number for it. */
const WARN = 40;

function describe(entry: Record<string, unknown>): string {
  const error = entry["error"];
  const reason = typeof error === "object" && error !== null && "message" in error ? error.message : error;
  return [entry["msg"], reason].filter((part) => typeof part === "string").join(": ");
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
