import type { Row } from "../database.ts";

/*
 * The words between a command and the bridge: lines of JSON. A connection is one transaction. The command asks, and each
 * question has one answer, in order; after `commit` the bridge closes the connection. A connection that ends earlier is
 * rolled back.
 */

/** A line of a command. */
export type Request =
  | { readonly kind: "query"; readonly sql: string; readonly values: readonly unknown[] }
  | { readonly kind: "execute"; readonly sql: string }
  | { readonly kind: "commit" };

/** A line of the bridge. */
export type Answer =
  | { readonly kind: "result"; readonly rows: Row[]; readonly count: number }
  | { readonly kind: "done" }
  /** The `DatabaseError` of a statement, or of the commit. */
  | { readonly kind: "failed"; readonly message: string; readonly code?: string; readonly retryable: boolean }
  /** The bridge ends the connection, and says why in words. */
  | { readonly kind: "sent_away"; readonly message: string; readonly why: Why };

/** The reason for which the bridge ends a connection. */
export type Why = (typeof WHY)[number];

const WHY = ["late", "stopping", "crowded", "malformed"] as const;

/** A line is none of ours. */
export class MalformedMessage extends Error {
  override readonly name = "MalformedMessage";
}

/** The longest request, in bytes. Commands send no large values. */
export const LONGEST_REQUEST = 4 * 1024 ** 2;

/** The longest answer, in bytes: V8 makes no longer text. */
export const LONGEST_ANSWER = 512 * 1024 ** 2;

/** The deepest list in a list: PostgreSQL has arrays of six dimensions. */
const DEEPEST = 6;

/** A request as a line, with its line feed. */
export function requestLine(request: Request): string {
  const packed = request.kind === "query" ? { ...request, values: request.values.map(pack) } : request;
  return `${JSON.stringify(packed)}\n`;
}

/** Reads a request's line. Throws {@link MalformedMessage}. */
export function parseRequest(line: string): Request {
  const { kind, sql, values } = parse(line);
  if (kind === "commit") return { kind };
  if (kind === "execute" && typeof sql === "string") return { kind, sql };
  if (kind === "query" && typeof sql === "string" && Array.isArray(values)) {
    return { kind, sql, values: values.map((value) => unpack(value)) };
  }
  throw new MalformedMessage("a line is no request");
}

/** An answer as a line, with its line feed. */
export function answerLine(answer: Answer): string {
  const packed = answer.kind === "result" ? { ...answer, rows: answer.rows.map((row) => inRow(row, pack)) } : answer;
  return `${JSON.stringify(packed)}\n`;
}

/** Reads an answer's line. Throws {@link MalformedMessage}. */
export function parseAnswer(line: string): Answer {
  const { kind, rows, count, message, code, retryable, why: given } = parse(line);
  if (kind === "done") return { kind };
  if (kind === "result" && Array.isArray(rows) && typeof count === "number") {
    return { kind, rows: rows.map((row) => inRow(objectOf(row), unpack)), count };
  }
  if (kind === "failed" && typeof message === "string" && typeof retryable === "boolean") {
    return { kind, message, ...(typeof code === "string" ? { code } : {}), retryable };
  }
  const why = WHY.find((each) => each === given);
  if (kind === "sent_away" && typeof message === "string" && why !== undefined) return { kind, message, why };
  throw new MalformedMessage("a line is no answer");
}

/**
 * A value of SQL as JSON. What JSON has no form for is an object with one field; so that an object is never taken for that,
 * every object is in one.
 */
function pack(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") return { integer: String(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return { date: value.getTime() };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return { list: value.map(pack) };
  return { json: value };
}

/** Throws {@link MalformedMessage}. */
function unpack(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > DEEPEST) throw new MalformedMessage("a list in a line is too deep");
  const [[kind, inner] = ["nothing", undefined]] = Object.entries(value as Readonly<Record<string, unknown>>);
  switch (kind) {
    case "integer":
      if (typeof inner === "string" && /^-?\d{1,20}$/.test(inner)) return BigInt(inner);
      break;
    case "number":
      return Number(inner);
    case "date":
      if (typeof inner === "number" || inner === null) return new Date(inner ?? NaN);
      break;
    case "bytes":
      if (typeof inner === "string") return new Uint8Array(Buffer.from(inner, "base64"));
      break;
    case "list":
      if (Array.isArray(inner)) return inner.map((each) => unpack(each, depth + 1));
      break;
    case "json":
      return inner;
  }
  throw new MalformedMessage("a value in a line is of no known kind");
}

function inRow(row: Row, change: (value: unknown) => unknown): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, change(value)]));
}

function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(line));
  } catch {
    // The parser's message quotes its input.
    throw new MalformedMessage("a line is no JSON object");
  }
}

function objectOf(value: unknown): Row {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MalformedMessage("a line has another form");
  }
  return value as Row;
}
