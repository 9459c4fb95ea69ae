import { html, type Child, type Html } from "./html.ts";
import { formTokenOf } from "./sign-in/form-token.ts";
import type { Visit } from "./visit.ts";

/** The look of a badge: nothing special, well, wrong, or waiting. */
export type Tone = "" | "good" | "bad" | "wait";

export function badge(text: string, tone: Tone = ""): Html {
  return html`<span class="badge ${tone}">${text}</span>`;
}

/** A heading with a sentence about the view, and what came of the last decision. */
export function heading(visit: Visit, title: string, lead: string): Html {
  return html`<h1>${title}</h1>
    <p class="lead">${lead}</p>
    ${outcome(visit)}`;
}

function outcome({ query, words }: Visit): Html | undefined {
  const said = query.get("said");
  if (said === null || !Object.hasOwn(words.said, said)) return undefined;
  const { text, isBad } = words.said[said as keyof typeof words.said];
  return html`<p class="note ${isBad ? "bad" : ""}" role="status">${text}</p>`;
}

/** The words in place of an empty list. */
export function empty(text: string): Html {
  return html`<div class="empty"><p>${text}</p></div>`;
}

/** A table that scrolls by itself where it is too wide. */
export function table(label: string, heads: readonly Child[], rows: readonly Html[]): Html {
  return html`<div class="table" role="region" aria-label="${label}" tabindex="0">
    <table>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** The fields of a form: names and values, none of them secret. */
export type Fields = Readonly<Record<string, string | number>>;

/** A decision's form: a single button. Nothing for people who may only look. */
export function decision(
  visit: Visit,
  action: string,
  fields: Fields,
  label: string,
  look: "" | "main" | "bad" | "quiet" = "",
): Html | undefined {
  if (visit.role !== "decide") return undefined;
  return html`<form method="post" action="${visit.base}/do/${action}">
    ${hidden(visit, fields)}<button class="${look}">${label}</button>
  </form>`;
}

/** The same for what can't be undone: it says first what will happen. */
export function graveDecision(
  visit: Visit,
  action: string,
  fields: Fields,
  label: string,
  consequence: string,
): Html | undefined {
  if (visit.role !== "decide") return undefined;
  return html`<details class="ask">
    <summary class="button">${label} …</summary>
    <div>
      <p>${consequence}</p>
      ${decision(visit, action, fields, label, "bad")}
    </div>
  </details>`;
}

/** A decision's form with fields of its own. Nothing for people who may only look. */
export function decisionForm(visit: Visit, action: string, fields: Fields, content: Html): Html | undefined {
  if (visit.role !== "decide") return undefined;
  return html`<form class="search" method="post" action="${visit.base}/do/${action}">
    ${hidden(visit, fields)}${content}
  </form>`;
}

/** The hidden fields of a form: the session's token, and the view to come back to. */
function hidden(visit: Visit, fields: Fields): Html {
  const all = { token: formTokenOf(visit.session.secret), back: visit.path, ...fields };
  return html`${Object.entries(all).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  )}`;
}

/** A time, in the words of the page, with the exact one for whoever points at it. */
export function since(visit: Visit, at: Date, now = new Date()): Html {
  const iso = at.toISOString();
  return html`<time datetime="${iso}" title="${iso.slice(0, 19).replace("T", " ")} UTC">${ago(visit, at, now)}</time>`;
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

function ago({ language, words }: Visit, at: Date, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - at.getTime()) / 1_000));
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? [];
  if (unit === undefined) return words.justNow;
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-Math.floor(seconds / size), unit);
}

/** A number as people write it. */
export function number({ language }: Visit, value: number): string {
  return new Intl.NumberFormat(language).format(value);
}

/** The units of sizes, the largest first. */
const SIZES = [
  ["gigabyte", 1e9],
  ["megabyte", 1e6],
  ["kilobyte", 1e3],
] as const;

/** A number of bytes as people write it. */
export function size({ language }: Visit, bytes: number): string {
  const [unit, scale] = SIZES.find(([, from]) => bytes >= from) ?? (["byte", 1] as const);
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    unitDisplay: unit === "byte" ? "long" : "short",
    maximumFractionDigits: 1,
  }).format(bytes / scale);
}
