/** A tool, as a model is told of it. */
export interface ToolDefinition {
  /** At most 64 letters, digits, `_` and `-`, as every protocol takes them. */
  readonly name: string;
  readonly description: string;
  /** The JSON schema of its arguments, which are an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A model's wish to use a tool. */
export type ToolCall = GoodCall | FaultyCall;

/** A call of an offered tool with arguments that are an object. Whether they fit the tool is not known yet. */
export interface GoodCall extends CallName {
  readonly kind: "good";
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** A call that can't be made; the model is told why. */
export interface FaultyCall extends CallName {
  readonly kind: "faulty";
  readonly fault: CallFault;
}

interface CallName {
  /** Unique among all calls of a request and its rounds: the server's own id where that is a good one. */
  readonly id: string;
  /** As the model wrote it, cut; not necessarily the name of a tool. */
  readonly name: string;
  /** As in {@link ToolRound}, where a server keeps something of each call. */
  readonly kept?: string;
}

/** The fault of a call, in the order in which they are looked for. */
export type CallFault =
  /** One call more than a model may make at once. */
  | "too_many"
  /** No such tool was offered. */
  | "unknown_tool"
  /** The arguments are too long, or nested too deeply. */
  | "too_long"
  /** The answer ended at a limit in the middle of the arguments. */
  | "cut_off"
  | "no_json"
  | "no_object";

/** The result of a call, as the model reads it. */
export interface ToolOutput {
  readonly text: string;
  readonly isError: boolean;
}

/** A model's answer in which it called tools, and the results. */
export interface ToolRound {
  /** Its words before and between the calls. */
  readonly text: string;
  readonly calls: readonly { readonly call: ToolCall; readonly output: ToolOutput }[];
  /** The server's own form of the model's thoughts, which it wants back unchanged: see kept.ts. */
  readonly kept?: string;
}

/** The arguments as they are told to a server afterwards: servers refuse a request with others than an object. */
export function argumentsAsTold(call: ToolCall): Readonly<Record<string, unknown>> {
  return call.kind === "good" ? call.arguments : {};
}

/** The name as it is told to a server afterwards: servers refuse a request with other characters. */
export function nameAsTold({ name }: CallName): string {
  return name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, LONGEST_TOLD_NAME) || "unknown";
}

const LONGEST_TOLD_NAME = 64;
