import type { InputQuestionWords } from "../language/phrases.ts";
import type { Words } from "../language/words.ts";
import { escapedHtml } from "../matrix/pills.ts";
import { cleanText } from "../text/clean-text.ts";
import { renderMarkdown } from "../text/markdown.ts";
import { visibleText } from "../text/visible-json.ts";
import type { FieldValue, FormField, InputForm } from "../turns/call-input.ts";
import { isSmall } from "./answer-messages.ts";
import { answerContent, type Address, type MessageContent, type ReplyTarget } from "./reply.ts";

/** The most lines of a server's message that are shown; the rest follows in the last one. */
const MOST_LINES = 20;

/**
 * A tool's question to the person: the server's words are framed and drawn as code, so that nothing in them is a link, a
 * mention, a picture or a question of the agent's own. Undefined where it is too long for one message.
 */
export function inputQuestion(
  { tools }: Words,
  facts: InputQuestionWords,
  { message, fields }: InputForm,
  target: ReplyTarget,
  address: Address,
): MessageContent | undefined {
  const { asking } = tools;
  const lines = linesOf(message);
  const described = fields.map((field) => fieldInWords(field, asking));
  const before = renderMarkdown(asking.question(facts));
  const terms = [asking.how(facts), asking.goTo(facts), asking.noSecrets, ...(facts.hasPages ? [asking.noPages] : [])];
  const after = renderMarkdown(terms.map((term) => `- ${term}`).join("\n"));
  const body = [
    before.body,
    ...(lines.length === 0 ? [] : [lines.map((line) => `> ${line}`).join("\n")]),
    ...(described.length === 0 ? [] : [described.map(({ body: line }) => `- ${line}`).join("\n")]),
    after.body,
  ].join("\n\n");
  const html = [
    before.formattedBody ?? paragraph(before.body),
    lines.length === 0 ? "" : `<blockquote>${lines.map(code).join("<br />")}</blockquote>`,
    described.length === 0 ? "" : `<ul>${described.map((one) => `<li>${one.html}</li>`).join("")}</ul>`,
    after.formattedBody ?? paragraph(after.body),
  ].join("");
  const content = {
    ...answerContent("", target, address),
    body,
    format: "org.matrix.custom.html",
    formatted_body: html,
  };
  return isSmall(content) ? content : undefined;
}

/** A field in a line: its name, what it takes in our words, and the server's words about it. */
function fieldInWords(
  field: FormField,
  asking: Words["tools"]["asking"],
): { readonly body: string; readonly html: string } {
  const { name, title, description, choices, fallback } = field;
  const about = [title, description].filter((words) => words !== undefined && words !== name);
  const parts: { readonly label: string; readonly said: readonly string[] }[] = [
    { label: "", said: about.length === 0 ? [] : [about.join(": ")] },
    {
      label: asking.choices,
      said: choices.map(({ value, title: named }) => (named === undefined ? value : `${value} (${named})`)),
    },
    { label: asking.fallback, said: fallback === undefined ? [] : [valueInWords(fallback)] },
  ];
  const shown = parts
    .filter(({ said }) => said.length > 0)
    .map(({ label, said }) => ({ label: label === "" ? "" : `${label} `, said: said.map(oneLine) }));
  const kind = asking.field(field);
  return {
    body: [
      `\`${name}\`: ${kind}`,
      ...shown.map(({ label, said }) => `${label}${said.map((one) => `“${one}”`).join(", ")}`),
    ].join("; "),
    html: [
      `${code(name)}: ${escapedHtml(kind)}`,
      ...shown.map(({ label, said }) => `${escapedHtml(label)}${said.map(code).join(", ")}`),
    ].join("; "),
  };
}

function valueInWords(value: FieldValue): string {
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function linesOf(text: string): readonly string[] {
  const lines = cleanText(visibleText(text))
    .split("\n")
    .filter((line) => line !== "");
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES - 1), lines.slice(MOST_LINES - 1).join(" ")];
}

function oneLine(text: string): string {
  return cleanText(visibleText(text)).replaceAll("\n", " ");
}

function code(text: string): string {
  return `<code>${escapedHtml(text)}</code>`;
}

function paragraph(text: string): string {
  return `<p>${escapedHtml(text)}</p>`;
}
