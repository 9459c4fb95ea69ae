import { isObject } from "../matrix/json.ts";
import { BUSY } from "./http.ts";
import { refusedParameter } from "./parameters.ts";
import { PromptTooLong, promptTooLong } from "./prompt-too-long.ts";
import { ProviderError } from "./provider.ts";

/** The meaning of an error in Anthropic's protocol. Errors come as `{ type: "error", error: { type, message } }`; the message may quote the question. */
export function explain(status: number, body: unknown): ProviderError | undefined {
  const error = isObject(body) && isObject(body["error"]) ? body["error"] : {};
  const { type: kind, message } = error;
  const type = typeof kind === "string" && /^[a-z_]{1,60}$/.test(kind) ? kind : undefined;
  const words = `HTTP ${status}: ${type ?? "no reason given"}`;
  const tooLong = promptTooLong({ message });
  if (tooLong !== undefined) return tooLong;
  if (status === 413 || type === "request_too_large") return new PromptTooLong(undefined, undefined);
  if (status === 402 || type === "billing_error" || isUnpaid(message)) return new ProviderError("unpaid", words);
  if (status === 404 || type === "not_found_error") return new ProviderError("model_missing", words);
  // Other errors may quote the conversation; errors of this type name only parameters.
  const refused = type === "invalid_request_error" ? refusedParameter({ message }) : undefined;
  if (refused !== undefined) return refused;
  const isBusy = BUSY.has(status) || type === "overloaded_error" || type === "rate_limit_error";
  if (isBusy) return new ProviderError("busy", words);
  if (status === 401 || status === 403) return new ProviderError("refused", `${words} (is the key right?)`);
  return new ProviderError("refused", words);
}

function isUnpaid(message: unknown): boolean {
  return typeof message === "string" && /credit balance is too low|insufficient balance/i.test(message.slice(0, 200));
}
