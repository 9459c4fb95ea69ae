import { isObject, objectOf } from "../matrix/json.ts";
import { cut } from "../text/cut.ts";
import type { InputForm } from "../turns/call-input.ts";
import { readForm } from "./input-form.ts";
import { ToolFailure } from "./tool-failure.ts";

/** Requests of a server in the middle of a call, as it sent them, within bounds. */
export interface InputRequest {
  readonly forms: readonly InputForm[];
  /** The names of requests that people open a web page. They are declined. */
  readonly pages: readonly string[];
  readonly state?: string;
}

/** A server ended a call by asking the person something first: the call is made again, with the answers. */
export class WantsInput extends ToolFailure {
  readonly request: InputRequest;

  constructor(request: InputRequest) {
    super("wants_input", "it asks the person something");
    this.request = request;
  }
}

/** The most requests at once. */
const MOST_REQUESTS = 4;

const LONGEST_KEY = 256;
const LONGEST_MESSAGE = 2_000;
const LONGEST_STATE = 65_536;

/**
 * Reads an `input_required` result (MCP 2026-07-28, "Multi Round-Trip Requests"). Requests to a model, or for folders, are left
 * out, as if they were not answered; so the server learns that nobody does. Throws ToolFailure where nothing in it can be
 * answered.
 */
export function readInputRequest(told: Readonly<Record<string, unknown>>): InputRequest {
  const { inputRequests, requestState } = told;
  if (typeof requestState === "string" && requestState.length > LONGEST_STATE)
    throw new ToolFailure("too_much", "the state of its question is too long");
  const state = typeof requestState === "string" ? { state: requestState } : {};
  const entries = Object.entries(objectOf(inputRequests));
  if (entries.length > MOST_REQUESTS) throw new ToolFailure("too_much", "it asks too many questions at once");
  const forms: InputForm[] = [];
  const pages: string[] = [];
  for (const [key, request] of entries) {
    const { method, params } = objectOf(request);
    if (method !== "elicitation/create" || key.length > LONGEST_KEY) continue;
    const { mode = "form", message, requestedSchema } = objectOf(params);
    if (mode === "url") pages.push(key);
    if (mode !== "form") continue;
    const fields = isObject(requestedSchema) ? readForm(requestedSchema) : undefined;
    if (fields === undefined) throw new ToolFailure("wants_input", "it asks by a form that can't be shown");
    forms.push({ key, message: typeof message === "string" ? cut(message, LONGEST_MESSAGE) : "", fields });
  }
  if (forms.length === 0 && entries.length > 0)
    throw new ToolFailure(
      "wants_input",
      pages.length > 0 ? "it wants a web page opened" : "it asks for something else",
    );
  return { forms, pages, ...state };
}
