import { escapedHtml } from "../matrix/pills.ts";
import type { ToolQuestionWords } from "../language/phrases.ts";
import type { Words } from "../language/words.ts";
import { renderMarkdown } from "../text/markdown.ts";
import { visibleJson } from "../text/visible-json.ts";
import { isSmall } from "./answer-messages.ts";
import {
  answerContent,
  editContent,
  noticeContent,
  type Address,
  type MessageContent,
  type ReplyTarget,
} from "./reply.ts";

/** Longer arguments are folded. */
const SHORT = { characters: 600, lines: 12 };

/**
 * The question to people whether a call may be made, with its arguments as they are; undefined where these are too long
 * for one message, so that nobody could see them all.
 */
export function toolQuestion(
  { tools }: Words,
  facts: ToolQuestionWords,
  given: Readonly<Record<string, unknown>>,
  target: ReplyTarget,
  address: Address,
): MessageContent | undefined {
  const written = Object.keys(given).length === 0 ? undefined : visibleJson(given);
  const terms = [tools.claims, tools.goTo, tools.decides, ...(facts.canGrant ? [tools.forGood] : [])];
  const before = renderMarkdown(tools.question(facts));
  const after = renderMarkdown(terms.map((term) => `- ${term(facts)}`).join("\n"));
  const content = {
    ...answerContent("", target, address),
    body: [before.body, written ?? tools.noArguments, after.body].join("\n\n"),
    format: "org.matrix.custom.html",
    formatted_body: [
      before.formattedBody ?? paragraph(before.body),
      written === undefined
        ? paragraph(tools.noArguments)
        : argumentsHtml(written, tools.longArguments(written.length)),
      after.formattedBody ?? paragraph(after.body),
    ].join(""),
  };
  return isSmall(content) ? content : undefined;
}

/** The edit of such a question that says why nobody has to answer it any more. */
export function questionIsOver(eventId: string, words: string): MessageContent {
  return editContent(eventId, noticeContent(words), []);
}

function argumentsHtml(written: string, summary: string): string {
  const shown = `<pre><code class="language-json">${escapedHtml(written)}</code></pre>`;
  const isShort = written.length <= SHORT.characters && written.split("\n").length <= SHORT.lines;
  return isShort ? shown : `<details><summary>${escapedHtml(summary)}</summary>${shown}</details>`;
}

function paragraph(text: string): string {
  return `<p>${escapedHtml(text)}</p>`;
}
