import { takesText, writtenCommand } from "./written-command.ts";
import { NameIndex } from "./name-index.ts";
import { leadingPills, pillsIn, userOfLink, type Pill } from "../matrix/pills.ts";

/** An agent that may be called. */
export interface Callee {
  readonly userId: string;
  /** The names people call it by: its display name, its agent's name, its user id. */
  readonly names: readonly string[];
}

/** The parts of a message that show whom it calls. */
export interface Written {
  readonly body: string;
  /** Its `formatted_body`, if it has one. */
  readonly html?: string | undefined;
  /** The users in its `m.mentions`. */
  readonly mentions?: readonly string[];
}

/** The agents that a message calls, and its words for them. */
export interface Call {
  /** The user ids of agents whose names begin the message; with a command also those whose names end it. */
  readonly called: readonly string[];
  /**
   * Those agents that it names at its beginning or end with `@` or a pill, rather than with a possibly ambiguous word.
   */
  readonly certain: readonly string[];
  /** The message without these names, if any words are left. */
  readonly text: string;
}

/**
 * The words before a command that address an agent; empty in a direct chat, where every command does.
 *
 * @param name the agent's; undefined when it is gone, and its ghost is called by its user id.
 */
export function callFor(ghost: string, name: string | undefined, direct: boolean): string {
  return direct ? "" : `@${name ?? userLocalpart(ghost)} `;
}

/** The localpart of a user id. */
export function userLocalpart(userId: string): string {
  return userId.slice(1).split(":")[0] ?? "";
}

/** The most names that are searched at either end of a message. */
export const MOST_CALLED = 20;

/** The part of each end of a message that is searched for names, in characters. */
const LOOKED_AT = 4_000;

/**
 * Reads whom a message calls: `Llama: …`, `@llama @qwen …`, `Llama and Qwen: …`, `…, @llama?`, and all of these with
 * pills, as HTML or as the links that some clients write into the body. The first name at the beginning counts by
 * itself. Further ones count with `@` or as pills, or all of them where the list ends like one (`Llama, Qwen: …`,
 * `Llama and Qwen, …`, but not `Llama, Qwen is a model`). At the end of a message, names count that a comma or the like
 * sets off.
 */
export function readCall({ body, html = "", mentions = [] }: Written, callees: readonly Callee[]): Call {
  const roll = new Roll(callees, pillsIn(html), mentions);
  const whole = body.trim().normalize("NFC");
  const start = namesAtStart(whole, roll) ??
    quotedOrder(whole, roll) ??
    pillsAtStart(whole, html, roll) ?? { found: [], rest: whole };
  // After a command that takes no text, a name can only be a call: `!help @llama`.
  const command = writtenCommand(start.rest);
  const isOrder = command !== undefined && !takesText(command);
  const end = namesAtEnd(start.rest, roll, isOrder);
  const certain = [...start.found, ...end.found].filter(({ isCertain }) => isCertain);
  return {
    called: idsOf(isOrder ? [...start.found, ...end.found] : start.found),
    certain: idsOf(certain),
    text: isPartOf(start, command !== undefined) ? whole : (said(end.rest, start.rest) ?? whole),
  };
}

/** The first of these texts that has any words. */
function said(...texts: readonly string[]): string | undefined {
  return texts.find((text) => /[\p{L}\p{N}]/u.test(text));
}

/**
 * Whether the names at the beginning belong to the sentence: `Llama or alpaca, which one spits?`. A lone name is a call
 * only with `@`, as a pill, where the agent is mentioned, before a comma or colon, or before a command.
 */
function isPartOf({ found, isSetOff }: Names, isCommand: boolean): boolean {
  return found.length > 0 && !isCommand && isSetOff !== true && !found.some(({ isCertain }) => isCertain);
}

/** The user ids of agents whose names begin a text. */
export function calledFirst(text: string, roll: Roll): string[] {
  return idsOf(namesAtStart(text.slice(0, LOOKED_AT).trim().normalize("NFC"), roll)?.found ?? []);
}

/** A name in a text: its owner, and its length in characters. */
export interface Name {
  readonly userIds: readonly string[];
  readonly isCertain: boolean;
  readonly length: number;
}

interface Names {
  readonly found: readonly Name[];
  /** The rest of the message. */
  readonly rest: string;
  /** Whether a colon or comma follows them. */
  readonly isSetOff?: boolean;
}

/** All callable agents, for lookup by name in one step, however many there are. */
export class Roll {
  readonly #userIds: ReadonlySet<string>;
  readonly #mentioned: ReadonlySet<string>;
  readonly #names = new NameIndex<Bearer>();

  /**
   * @param pills the pills of a message; those of callees count as their names.
   * @param mentions the users that it mentions.
   */
  constructor(callees: readonly Callee[], pills: readonly Pill[] = [], mentions: readonly string[] = []) {
    this.#userIds = new Set(callees.map(({ userId }) => userId));
    this.#mentioned = new Set(mentions);
    for (const { userId, names } of callees) for (const name of names) this.#add(name, { userId, isPill: false });
    for (const { userId, text } of pills) if (this.#userIds.has(userId)) this.#add(text, { userId, isPill: true });
  }

  has(userId: string): boolean {
    return this.#userIds.has(userId);
  }

  /** The longest name at the beginning of a text. */
  nameAtStart(text: string): Name | undefined {
    const link = this.#linkAt(
      /^(?:\[[^\]\n]{0,200}\]\(<?|<?)https:\/\/matrix\.to\/#\/([^\s()<>]{1,800})>?\)?/.exec(text),
    );
    if (link !== undefined) return link;
    const at = text.startsWith("@") ? 1 : 0;
    const found = this.#names.longestAt("beginning", text.slice(at), (length) => isEndOfName(text, at + length));
    return found && this.#named(found.values, at + found.length, at === 1);
  }

  /**
   * The longest name at the end of a text, with `@` or as a pill.
   *
   * @param isOrder whether a plain word is enough, if that agent is mentioned.
   */
  nameAtEnd(text: string, isOrder: boolean): Name | undefined {
    const link = this.#linkAt(
      /\[[^\]\n]{0,200}\]\(<?https:\/\/matrix\.to\/#\/([^\s()<>]{1,800})>?\)$/.exec(text.slice(-LONGEST_LINK)),
    );
    if (link !== undefined) return link;
    const found = this.#names.longestAt("end", text, (length) => isBeginningOfName(text, text.length - length));
    if (found === undefined) return undefined;
    const hasAt = text.charAt(text.length - found.length - 1) === "@";
    const name = this.#named(found.values, found.length + (hasAt ? 1 : 0), hasAt);
    const isSure = hasAt || found.values.some(({ isPill }) => isPill);
    return name.isCertain && (isOrder || isSure) ? name : undefined;
  }

  /** An `@` belongs to the call, whether or not it is a part of the name. */
  #add(name: string, bearer: Bearer): void {
    const bare = name.replace(/^@/, "").normalize("NFC");
    if (bare !== "") this.#names.add(bare, bearer);
  }

  /** Of two agents with one name the mentioned one is meant. */
  #named(bearers: readonly Bearer[], length: number, isByAt: boolean): Name {
    const mentioned = bearers.filter(({ userId }) => this.#mentioned.has(userId));
    const meant = mentioned.length > 0 ? mentioned : bearers;
    return {
      userIds: [...new Set(meant.map(({ userId }) => userId))],
      isCertain: mentioned.length > 0 || isByAt || meant.some(({ isPill }) => isPill),
      length,
    };
  }

  #linkAt(match: RegExpExecArray | null): Name | undefined {
    const userId = userOfLink(match?.[1] ?? "");
    if (match === null || !this.has(userId)) return undefined;
    const trailing = match[0].endsWith(")") ? 0 : (/[,:;.!?]+$/.exec(match[0])?.[0].length ?? 0);
    return { userIds: [userId], isCertain: true, length: match[0].length - trailing };
  }
}

/** The owner of a name. */
interface Bearer {
  readonly userId: string;
  readonly isPill: boolean;
}

/** The part of a text's end that is searched for a link, in characters. */
const LONGEST_LINK = 1_100;

/** The separators between two names, and the end of a list of them. */
const BETWEEN = /^(?:[\s,，、،;&+/]{1,20}(?:(?:and|und|y|et)\s{1,20})?)/iu;
const ENDS_LIST = /^\s{0,20}[:：]/u;
const ENDS_JOINED_LIST = /^\s{0,20}[:：,，、،]/u;
/** The punctuation after the names that belongs to the call; a dot that begins a word (`.env`) does not. */
const AFTER_NAMES = /^(?:[.!?]{1,5}(?=\s|$)|[。！？…;；]{1,5}|\s*[:：,，、،])?\s*/u;

/** Undefined when it begins with no name. */
function namesAtStart(text: string, roll: Roll): Names | undefined {
  const found: (Name & { readonly end: number })[] = [];
  let at = 0;
  let isJoined = false;
  for (let name = roll.nameAtStart(text); name !== undefined && found.length < MOST_CALLED;) {
    const end = at + name.length;
    found.push({ ...name, end });
    const [between = ""] = BETWEEN.exec(text.slice(end, end + LOOKED_AT)) ?? [];
    at = end + between.length;
    name = between === "" ? undefined : roll.nameAtStart(text.slice(at));
    if (name !== undefined) isJoined = /[\p{L}&+]/u.test(between);
  }
  const last = found.at(-1);
  if (last === undefined) return undefined;
  const isList = (isJoined ? ENDS_JOINED_LIST : ENDS_LIST).test(text.slice(last.end));
  const doubtful = found.findIndex(({ isCertain }, index) => index > 0 && !isCertain);
  const meant = isList || doubtful === -1 ? found : found.slice(0, doubtful);
  const behind = text.slice(meant.at(-1)?.end);
  return { found: meant, rest: behind.replace(AFTER_NAMES, ""), isSetOff: ENDS_JOINED_LIST.test(behind) };
}

/** A command after a name, in the backticks or quotes in which a notice shows it; the bot's commands have no `!`. */
function quotedOrder(text: string, roll: Roll): Names | undefined {
  const [, inner = ""] = /^[`"'“„«*_]{1,3}([\s\S]*?)[`"'”“»*_]{1,3}[.…]?$/.exec(text.slice(0, LOOKED_AT)) ?? [];
  const names = inner === "" ? undefined : namesAtStart(inner, roll);
  if (names === undefined) return undefined;
  return writtenCommand(names.rest) !== undefined || names.found[0]?.isCertain === true ? names : undefined;
}

/**
 * Whether a name ends here: letters of any script may follow only after a space or punctuation, so that `Llamas are …`
 * calls nobody. A name that continues in brackets is another one: `Llama 3.2 (3B)` is not `Llama 3.2`.
 */
function isEndOfName(text: string, end: number): boolean {
  return !/^(?:[\p{L}\p{M}\p{N}_@]|[-.'’][\p{L}\p{N}]| \()/u.test(text.slice(end, end + 3));
}

/** The same before a name, where an `@` may stand between. */
function isBeginningOfName(text: string, start: number): boolean {
  const before = text.charAt(start - 1) === "@" ? start - 1 : start;
  return !/[\p{L}\p{M}\p{N}_@.'’-]$/u.test(text.slice(Math.max(0, before - 2), before));
}

/** The punctuation that sets off a name at the end. */
const SET_OFF = /(?:[,，、،;:.!?…？！。\n–—]|\s-)\s*$/u;

/** @param isOrder whether a name counts even if nothing sets it off. */
function namesAtEnd(text: string, roll: Roll, isOrder: boolean): Names {
  const head = text.slice(0, -LOOKED_AT);
  const looked = text.slice(-LOOKED_AT);
  const [closing = ""] = /[\s?!.…？！。]*$/u.exec(looked.slice(-20)) ?? [];
  let before = looked.slice(0, looked.length - closing.length);
  let found: Name[] = [];
  let names: Names = { found, rest: text };
  for (let name = roll.nameAtEnd(before, isOrder); name !== undefined && found.length < MOST_CALLED;) {
    found = [name, ...found];
    before = before.slice(0, before.length - name.length);
    if (isOrder || SET_OFF.test(before.slice(-20))) {
      names = { found, rest: `${head}${withoutEnd(before, /[\s,，、،;:–—-]*$/u)}${closing.trimEnd()}` };
    }
    const next = withoutEnd(withoutEnd(before, /\s(?:and|und|y|et)\s*$/iu), /[\s,，、،;&+/]*$/u);
    name = next === before ? undefined : roll.nameAtEnd(next, isOrder);
    if (name !== undefined) before = next;
  }
  return names;
}

/** Examines only the last few characters, because a long row of spaces would take long otherwise. */
function withoutEnd(text: string, end: RegExp): string {
  return text.slice(0, -20) + text.slice(-20).replace(end, "");
}

/**
 * Where the body and the pill have different names, the words are those after the pills in the HTML, if the body ends
 * with them.
 */
function pillsAtStart(body: string, html: string, roll: Roll): Names | undefined {
  const { pills, rest } = leadingPills(html, BETWEEN);
  const other = pills.findIndex((pill) => !roll.has(pill.userId));
  const found = (other === -1 ? pills : pills.slice(0, other)).map(({ userId }) => ({
    userIds: [userId],
    isCertain: true,
    length: 0,
  }));
  if (found.length === 0) return undefined;
  const words = rest.replace(AFTER_NAMES, "").normalize("NFC");
  return { found, rest: other === -1 && words !== "" && body.endsWith(words) ? words : body };
}

function idsOf(names: readonly Name[]): string[] {
  return [...new Set(names.flatMap(({ userIds }) => userIds))];
}
