import { pino, type Logger as PinoLogger, type LoggerOptions } from "pino";
import pretty from "pino-pretty";
import { describeError } from "./described-error.ts";
import type { ErrorLine } from "./error-lines.ts";
import type { Secrets } from "./secrets.ts";

/**
 * A structured logger. Fields are ids (`ghost`, `room`, `event`, `txn`), counts and durations; message text, keys and
 * tokens are never passed to it, at any level.
 */
export interface Logger extends Pick<PinoLogger, "debug" | "info" | "warn" | "level"> {
  readonly error: LogError;
  readonly fatal: LogError;
  child(bindings: Readonly<Record<string, unknown>>): Logger;
}

/** Logs one of the lines that the manual lists. */
type LogError = (...args: [fields: object, line: ErrorLine] | [line: ErrorLine]) => void;

/** The levels that can be configured, most talkative first. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * Makes the root logger. It writes to standard error, which leaves standard output to commands.
 *
 * @param level a function, asked for every line, because the level may change.
 * @param format `json` is one JSON object a line; `pretty` is for a person; `auto` is pretty on a terminal.
 * @param secrets strings that must stand in no line. The set may grow.
 */
export function createLogger(
  level: LogLevel | (() => LogLevel),
  format: "json" | "pretty" | "auto",
  secrets?: Secrets,
): Logger {
  const usePretty = format === "pretty" || (format === "auto" && process.stderr.isTTY);
  const options: LoggerOptions = {
    level: typeof level === "function" ? "debug" : level,
    // Each child logger keeps its own level, but all their lines pass this hook.
    hooks: {
      ...(typeof level === "function" ? { logMethod: only(level) } : {}),
      ...(secrets === undefined ? {} : { streamWrite: (line: string) => secrets.hide(line) }),
    },
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // HTTP errors carry tokens in these fields; a careless log line must not reveal them.
    redact: ["token", "*.token", "headers.authorization", "*.headers.authorization"],
    // pino uses the second for an error that is passed by itself.
    serializers: { error: (error) => describeError(error), err: (error) => describeError(error) },
  };
  return usePretty
    ? pino(options, pretty({ destination: 2, sync: true, colorize: process.stderr.isTTY, ignore: "pid,hostname" }))
    : pino(options, pino.destination({ fd: 2, sync: true }));
}

/** Passes only lines of at least a level. */
function only(level: () => LogLevel): NonNullable<NonNullable<LoggerOptions["hooks"]>["logMethod"]> {
  return function (args, method, lineLevel) {
    if (lineLevel >= (pino.levels.values[level()] ?? 0)) method.apply(this, args);
  };
}

/** A logger without output, for tests and one-shot commands. */
export function silentLogger(): Logger {
  return pino({ level: "silent" });
}
