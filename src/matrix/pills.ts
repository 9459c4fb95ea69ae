/** A mention in a message's HTML, in the form of clients: a link to a user (spec "Mentioning"). */
export interface Pill {
  readonly userId: string;
  readonly text: string;
}

/** The part of each end of a message that is searched for pills, in characters, and the most pills. */
const LOOKED_AT = 4_000;
const MOST_PILLS = 40;

const ANCHOR = /<a\b[^<>]*\bhref=(?:"([^"<>]*)"|'([^'<>]*)')[^<>]*>([\s\S]{0,400}?)<\/a>/i;

/** The pills of a message's HTML. */
export function pillsIn(html: string): Pill[] {
  const looked = html.length <= 2 * LOOKED_AT ? html : `${html.slice(0, LOOKED_AT)}\n${html.slice(-LOOKED_AT)}`;
  const anchors = withoutReply(looked).matchAll(new RegExp(ANCHOR, "gi"));
  return [...anchors].slice(0, MOST_PILLS).flatMap((anchor) => pillOf(anchor) ?? []);
}

/**
 * The pills at the beginning of a message's HTML, and the unformatted text behind them; empty when it is long.
 *
 * @param between the text that may stand between two of them.
 */
export function leadingPills(
  html: string,
  between: RegExp,
): { readonly pills: readonly Pill[]; readonly rest: string } {
  const pills: Pill[] = [];
  let rest = withoutReply(html.slice(0, LOOKED_AT)).replace(/^(?:\s|<p>){1,20}/, "");
  while (pills.length < MOST_PILLS) {
    const anchor = new RegExp(`^${ANCHOR.source}`, "i").exec(rest);
    const pill = anchor === null ? undefined : pillOf(anchor);
    if (anchor === null || pill === undefined) break;
    pills.push(pill);
    rest = rest.slice(anchor[0].length);
    rest = rest.slice(between.exec(rest)?.[0].length ?? 0);
  }
  return { pills, rest: html.length > LOOKED_AT ? "" : plainText(rest) };
}

/**
 * A pill in the bridge's own words; models' links to users are removed (matrix-html.ts). It notifies nobody:
 * `m.mentions` does that.
 */
export function pillOfUser(userId: string, name: string): string {
  const target = encodeURIComponent(userId).replaceAll("%40", "@").replaceAll("%3A", ":");
  return `<a href="https://matrix.to/#/${target}">${escapedHtml(name)}</a>`;
}

/** The user that the end of a `https://matrix.to/#/` link names; empty when it is invalid. */
export function userOfLink(target: string): string {
  const [encoded = ""] = target.split("?");
  try {
    return decodeURIComponent(encoded).replace(/[,:;.!?]+$/, "");
  } catch {
    return "";
  }
}

/** Text escaped for HTML, also inside an attribute. */
export function escapedHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function pillOf([, double, single, inner = ""]: RegExpExecArray): Pill | undefined {
  const target = /^https:\/\/matrix\.to\/#\/([^/]+)$/.exec(double ?? single ?? "")?.[1];
  return target === undefined ? undefined : { userId: userOfLink(target), text: plainText(inner) };
}

function withoutReply(html: string): string {
  return html.replace(/<mx-reply>[\s\S]*?<\/mx-reply>/g, "");
}

function plainText(html: string): string {
  return html
    .replace(/<[^<>]*>/g, "")
    .replace(/&(#39|\w{2,4});/g, (entity, name: string) => ENTITIES.get(name) ?? entity)
    .trim();
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["amp", "&"],
  ["nbsp", " "],
  ["#39", "'"],
]);
