import { pino, type DestinationStream, type Logger as PinoLogger, type LoggerOptions } from "pino";
import pretty from "pino-pretty";
import { isColoured } from "./colour.ts";
import { describeError, unquoted } from "./described-error.ts";
import type { ErrorLine } from "./error-lines.ts";
import { RepeatedLines } from "./repeated-lines.ts";
import { isRetryable } from "./retryable.ts";
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
  const repeated = new RepeatedLines();
  let sweep: NodeJS.Timeout | undefined;
  const options: LoggerOptions = {
    level: typeof level === "function" ? "debug" : level,
    // Each child logger keeps its own level, but all their lines pass this hook.
    hooks: {
      logMethod: only(typeof level === "function" ? level : () => level, tell),
      ...(secrets === undefined ? {} : { streamWrite: (line: string) => secrets.hide(line) }),
    },
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // HTTP errors carry tokens in these fields; a careless log line must not reveal them.
    redact: ["token", "*.token", "headers.authorization", "*.headers.authorization"],
    // pino uses the second for an error that is passed by itself.
    serializers: { error: loggedError, err: loggedError },
  };
  const root = usePretty
    ? pino(
        options,
        pretty({ destination: 2, sync: true, colorize: isColoured(process.stderr), ignore: "pid,hostname" }),
      )
    : pino(options, standardError());
  return root;

  /** Whether a line is told: a failure that comes again and again is told once, and counted. */
  function tell(args: readonly unknown[], bindings: () => Readonly<Record<string, unknown>>): boolean {
    const [fields, line] = args;
    if (typeof fields !== "object" || fields === null || typeof line !== "string") return true;
    const key = failureKey(fields as Readonly<Record<string, unknown>>, line, bindings);
    if (key === undefined) return true;
    sweep ??= setInterval(sum, SWEEP_MS).unref();
    return repeated.note(key, line, performance.now()) === "tell";
  }

  function sum(): void {
    for (const { kind, line, times, forMs } of repeated.due(performance.now())) {
      root.warn({ line, times, minutes: Math.round(forMs / 6_000) / 10 }, `this failure ${kind}`);
    }
    if (!repeated.isEmpty) return;
    clearInterval(sweep);
    sweep = undefined;
  }
}

/** The most that is held while standard error takes nothing, in bytes. */
const MOST_HELD = 65_536;

/** Where its disk is full or its reader is gone, lines are held, then dropped: the bridge goes on without its log. */
function standardError(): DestinationStream {
  const stream = pino.destination({ fd: 2, sync: true, maxLength: MOST_HELD });
  stream.on("error", () => undefined);
  return stream;
}

/** The pause between two looks for failures that go on or are over, in ms. */
const SWEEP_MS = 10_000;

function loggedError(error: unknown): unknown {
  return typeof error === "string" ? unquoted(error) : describeError(error);
}

/** The fields that say which one of many has failed. */
const SUBJECTS = ["ghost", "room", "event", "txn", "turn", "user", "provider", "path"];

/** The part of an error's message that tells it from others, in characters. */
const TELLING = 200;

/**
 * The same for lines that say the same again: undefined for a line without an error. While something else is away,
 * everybody who needs it fails in the same way, and one of them is told; otherwise each subject is.
 */
function failureKey(
  fields: Readonly<Record<string, unknown>>,
  line: string,
  bindings: () => Readonly<Record<string, unknown>>,
): string | undefined {
  const { error, reason = error } = fields;
  if (isRetryable(error)) {
    return JSON.stringify([line, error.name, "code" in error ? error.code : undefined, error.subject]);
  }
  if (reason === undefined) return undefined;
  const all = { ...bindings(), ...fields };
  const words = reason instanceof Error ? `${reason.name} ${reason.message}` : typeof reason === "string" ? reason : "";
  return JSON.stringify([line, words.slice(0, TELLING), ...SUBJECTS.map((name) => all[name])]);
}

/** Passes only lines of at least a level, and of repeated failures those that are told; all of them at debug. */
function only(
  level: () => LogLevel,
  tell: (args: readonly unknown[], bindings: () => Readonly<Record<string, unknown>>) => boolean,
): NonNullable<NonNullable<LoggerOptions["hooks"]>["logMethod"]> {
  return function (args, method, lineLevel) {
    const now = level();
    if (lineLevel < (pino.levels.values[now] ?? 0)) return;
    const isFailure = lineLevel >= (pino.levels.values["warn"] ?? 0) && now !== "debug";
    if (isFailure && !tell(args, () => this.bindings())) return;
    method.apply(this, args);
  };
}

/** A logger without output, for tests and one-shot commands. */
export function silentLogger(): Logger {
  return pino({ level: "silent" });
}
