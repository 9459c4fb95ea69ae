import type { Words } from "../language/words.ts";
import { escapedHtml } from "../matrix/pills.ts";
import { escapeMarkdown } from "../text/markdown.ts";
import type { CallStep, EndedCall, ProposedCall, TurnStep } from "../turns/turn-step.ts";
import type { MessageContent } from "./reply.ts";

/** The most calls of a folded list. */
const MOST_SHOWN = 32;

/** The words so far, with the call that is being made below them: the draft while a tool is at work. */
export function withCallUnderWay(steps: readonly TurnStep[], call: ProposedCall, { tools }: Words): string {
  const line = tools.underWay(escapeMarkdown(doingOf(call)));
  const words = saidBefore(steps);
  return words === "" ? line : `${words}\n\n${line}`;
}

/** The words so far, and that calls wait for people: the draft meanwhile. */
export function withWait(steps: readonly TurnStep[], { tools }: Words): string {
  const words = saidBefore(steps);
  return words === "" ? tools.waiting : `${words}\n\n${tools.waiting}`;
}

/** The words for an answer that was stopped during a call: the model's own before it, and the bridge's. */
export function stoppedInCall(
  steps: readonly TurnStep[],
  call: ProposedCall,
  { tools }: Words,
): { readonly said: string; readonly note: string } {
  return { said: saidBefore(steps), note: tools.stoppedIn(escapeMarkdown(doingOf(call))) };
}

/** The model's words with its last calls. */
function saidBefore(steps: readonly TurnStep[]): string {
  const step = steps.findLast(({ state }) => state === "called") as Extract<TurnStep, { state: "called" }> | undefined;
  return step?.answer.text.trim() ?? "";
}

/** An answer with the calls behind it folded above its words; the plain body is without them. */
export function withCalls(content: MessageContent, steps: readonly TurnStep[], { tools }: Words): MessageContent {
  const calls = steps.filter((step): step is EndedCall => step.askedOf === "tool" && "answer" in step);
  const lines = calls.slice(0, MOST_SHOWN).map((step) => `<li>${markOf(step)} ${escapedHtml(doingOf(step.call))}</li>`);
  const { formatted_body: html = `<p>${escapedHtml(String(content["body"])).replaceAll("\n", "<br />")}</p>` } =
    content;
  const summary = escapedHtml(tools.calls(calls.length));
  return {
    ...content,
    format: "org.matrix.custom.html",
    formatted_body: `<details><summary>${summary}</summary><ul>${lines.join("")}</ul></details>${String(html)}`,
  };
}

/** A tool by what it does: `files: search files` for `search_files` of the server `files`. */
function doingOf({ tool, name }: CallStep["call"]): string {
  const words = (tool?.name ?? name)
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/[_.-]+/g, " ")
    .trim()
    .toLowerCase();
  return tool === undefined || tool.server === "" ? words : `${tool.server}: ${words}`;
}

function markOf({ state, answer }: EndedCall): string {
  if (state === "unknown") return "❔";
  return state === "done" && !answer.isError ? "✔" : "✘";
}
