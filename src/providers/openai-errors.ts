import type { ProviderFailure } from "../language/failures.ts";
import { isObject } from "../matrix/json.ts";
import { BUSY } from "./http.ts";
import { refusedParameter } from "./parameters.ts";
import { promptTooLong } from "./prompt-too-long.ts";
import { ProviderError } from "./provider.ts";

/**
 * The meaning of an error in OpenAI's protocol. Errors come as `{ error: { message, type, code } }`, `{ error: "…" }`, `{ message, type, code }` or `{ detail: … }`;
 * the message may quote the question.
 */
export function explain(status: number, body: unknown): ProviderError | undefined {
  const whole = isObject(body) ? body : {};
  const inner = whole["error"] ?? whole;
  const error = isObject(inner) ? inner : { message: inner };
  const { code, type } = error;
  const { message, param } = saidBy(error);
  const reason = [code, type].find((word) => typeof word === "string" && /^[A-Za-z0-9_.-]{1,60}$/.test(word));
  const words = `HTTP ${status}: ${typeof reason === "string" ? reason : "no reason given"}`;
  // LM Studio sends this with status 200.
  if (typeof message === "string" && /unexpected endpoint/i.test(message.slice(0, 200)))
    return new ProviderError("malformed", "the server does not know this path (is providers.<name>.url right?)");
  const isMissing =
    code === "model_not_found" || (status === 404 && /model/i.test(typeof message === "string" ? message : ""));
  if (isMissing) return new ProviderError("model_missing", words);
  // OpenAI and MiniMax send this with the status of too many requests.
  if (status === 402 || [code, type].some((word) => typeof word === "string" && UNPAID.test(word)))
    return new ProviderError("unpaid", words);
  const failure = refusalOf(error, message, param);
  if (failure !== undefined) return failure;
  // A stream that began well carries the status inside.
  const told = status === 200 ? Number(code) : status;
  if (BUSY.has(told) || code === "rate_limit_exceeded") return new ProviderError("busy", words);
  if (typeof message === "string" && /loading model/i.test(message.slice(0, 200)))
    return new ProviderError("busy", words);
  if (told === 401 || told === 403) return new ProviderError("refused", `${words} (is the key right?)`);
  return new ProviderError("refused", words);
}

/** The message of an error, and the parameter that it concerns: FastAPI sends a list of messages with their places. */
function saidBy(error: Readonly<Record<string, unknown>>): { readonly message: unknown; readonly param: unknown } {
  const message = error["message"] ?? error["detail"];
  const found = isObject(message) ? message["detail"] : message;
  if (!Array.isArray(found)) return { message, param: error["param"] };
  const [first] = found.slice(0, MOST_FOUND).filter(isObject);
  const where: unknown = first?.["loc"];
  return { message: first?.["msg"], param: Array.isArray(where) ? where.at(-1) : undefined };
}

/** The most messages of that list that are examined. */
const MOST_FOUND = 10;

/** A too long prompt, or a refused parameter. vLLM refuses an answer limit for which the prompt leaves no room. */
function refusalOf(
  error: Readonly<Record<string, unknown>>,
  message: unknown,
  param: unknown,
): ProviderError | undefined {
  const tooLong = promptTooLong({ ...error, message });
  const { promptTokens = Infinity, limitTokens = 0 } = tooLong ?? {};
  const isOfAnswer =
    typeof message === "string" && /max_(?:completion_)?tokens.{0,60}too large/.test(message.slice(0, 200));
  if (tooLong !== undefined && !(isOfAnswer && promptTokens < limitTokens)) return tooLong;
  return refusedParameter({ param, message });
}

const UNPAID = /^insufficient_(?:quota|balance|credits)|^402$/;

/** MiniMax's own numbers for failures, which come with HTTP 200; other numbers are refusals. */
const MINIMAX: Readonly<Record<number, ProviderFailure>> = {
  1000: "busy",
  1001: "busy",
  1002: "busy",
  1008: "unpaid",
  1013: "busy",
  1024: "busy",
  1026: "declined",
  1027: "declined",
  1033: "busy",
  1039: "busy",
  1041: "busy",
  2045: "busy",
  2056: "busy",
};

/** The failure in a `base_resp`, in which MiniMax tells of one with HTTP 200; undefined where there is none. */
export function illBy(told: unknown): ProviderError | undefined {
  if (!isObject(told) || !Number.isSafeInteger(told["status_code"]) || told["status_code"] === 0) return undefined;
  const { status_code: code, status_msg: message } = told;
  const failure = MINIMAX[Number(code)];
  return (
    promptTooLong({ message }) ?? new ProviderError(failure ?? "refused", `the server's status is ${String(code)}`)
  );
}
