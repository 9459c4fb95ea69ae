import type { CallFault } from "../providers/tool-call.ts";
import { ToolFailure, type ToolFailureCode } from "../tools/tool-failure.ts";
import type { AskedToSignIn } from "./sign-in-links.ts";
import type { CallResult } from "../turns/turn-step.ts";

/** The words for a model about a call that was not made because of a fault in it. Models read English best. */
export const FAULTS: Readonly<Record<CallFault, string>> = {
  unknown_tool: "Not done: there is no tool of that name.",
  no_json: "Not done: the arguments are not valid JSON. Call it again with a JSON object.",
  no_object: "Not done: the arguments must be a JSON object. Call it again.",
  too_long: "Not done: the arguments are too long. Call it again with shorter ones.",
  cut_off: "Not done: the arguments were cut off. Call it again with shorter ones.",
  too_many: "Not done: too many calls at once.",
};

/** The result of a call that is not, or no longer, permitted. */
export const NOT_OFFERED: CallResult = { text: "Not done: this tool can't be used here.", isError: true };

/** The result of a call that exceeds a limit for a day. */
export const NO_MORE_TODAY: CallResult = {
  text: "Not done: the calls of tools for today are used up. Answer with what you know, and say so.",
  isError: true,
  limit: "day",
};

/** The result of a call that people have agreed to, and that is now another one, or has other rules. */
export const CHANGED: CallResult = {
  text: "Not done: the tool, or the rules for it, have changed since people agreed to this.",
  isError: true,
};

/** The result of a call to which somebody has agreed who could not do so now. */
export const LAPSED: CallResult = {
  text: "Not done: the person who agreed to this may not agree to it any more.",
  isError: true,
};

/** The result of a call that people would have to agree to, and could not see whole. */
export const TOO_LONG_TO_SHOW: CallResult = {
  text: "Not done: people have to agree to this, and its arguments are too long to be shown to them. Do it in smaller parts.",
  isError: true,
};

/** The result of a call whose server asks the person something that can't be shown whole. */
export const FORM_TOO_LONG: CallResult = {
  text: "Not done: the tool asks the person for more than can be shown to them.",
  isError: true,
};

/** The result of a call for which the person has to sign in first. */
export function signInFirst(server: string, asked: AskedToSignIn): CallResult {
  const next = {
    sent: "They have been sent a link for that, in their direct chat with you. Tell them so, and that they can write their question again afterwards.",
    no_chat: `Tell them to write "!tools sign-in ${server}" to you in an encrypted direct chat, and their question again afterwards.`,
    failed: "That is not possible now. Tell them so.",
  }[asked];
  return { text: `Not done: the person who asks has to sign in to ${server} first. ${next}`, isError: true };
}

/** The result of a call for which the person has to agree to further rights. */
export function rightsFirst(server: string, asked: AskedToSignIn | "before"): CallResult {
  const next = {
    sent: "They have been sent a link for that, in their direct chat with you. Tell them so, and that they can write their question again afterwards.",
    no_chat: "They can ask you again in an encrypted direct chat: there they are sent a link for that. Tell them so.",
    failed: "That is not possible now. Tell them so.",
    before: "They were asked for rights once already for this question, and not again. Tell them so.",
  }[asked];
  return {
    text: `Not done: ${server} wants further rights of the person who asks, to which they have to agree. ${next}`,
    isError: true,
    wantsRights: true,
  };
}

const FAILURES: Readonly<Record<ToolFailureCode, string>> = {
  unreachable: "Not done: the tool's server can't be reached.",
  ended: "The tool's server ended in the middle. Whether this was done is not known; do not do it again.",
  timeout: "The tool took too long and was given up. Whether this was done is not known; do not do it again.",
  malformed: "The tool's server answered something that can't be read.",
  too_much: "The tool returned more than can be taken. Ask it for less.",
  refused: "Not done: the tool's server refused the call.",
  wants_input: "Not done: the tool asks for something that nobody can give it here. Say so in your answer.",
  sign_in: "Not done: the person who asks has to sign in to the tool's server first.",
  needs_rights: "Not done: the tool's server wants further rights of the person who asks.",
  unknown_bridge:
    "Not done: the server at which people sign in does not know this bridge any more. The person can do nothing about that: tell them to ask its administrator.",
  cancelled: "Not done: it was cancelled.",
};

/** The result of a call that failed. Throws any other error. */
export function failedCall(error: unknown): CallResult {
  if (!(error instanceof ToolFailure)) throw error;
  const wasNotAsked = error.code === "ended" && !error.mayBeDone;
  return { text: FAILURES[wasNotAsked ? "unreachable" : error.code], isError: true };
}
