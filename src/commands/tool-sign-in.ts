import { matchesGlob } from "../text/glob.ts";
import { ProviderError } from "../providers/provider.ts";
import { isCode } from "../tools/sign-in/confirmation-code.ts";
import { ATTEMPT_MINUTES } from "../tools/sign-in/sign-in-attempts.ts";
import { SignInFailure } from "../tools/sign-in/sign-in-failure.ts";
import type { DecidedTool } from "../tools/tool-access.ts";
import { unquoted } from "./arguments.ts";
import type { Asked, CommandOutcome, CommandServices, Reading } from "./command.ts";

/** The words by which people sign in to a server of tools, and out. */
export const SIGN_IN_DOINGS = ["sign-in", "sign-out"] as const;

/** Somebody wants to sign in or out. */
export interface SignInWish {
  readonly signs: "in" | "out";
  readonly server: string;
  /** What the browser has shown at the end: a code, or an address. */
  readonly answer?: string;
}

/** The longest text of such a wish, in characters: codes in addresses are long. */
const LONGEST = 9_000;

/** Whether a wish about tools is one of these. */
export function isSignInWish(wish: object): wish is SignInWish {
  return "signs" in wish;
}

/** Reads such a wish; undefined where it is another one. */
export function readSignIn(rest: string): Reading<SignInWish> | undefined {
  const [, verb = "", more = ""] = /^\s*(sign-?in|sign-?out)(?:\s+(.*))?$/is.exec(rest.slice(0, LONGEST + 1)) ?? [];
  if (verb === "") return undefined;
  const [server = "", answer, ...others] = more.trim().split(/\s+/).map(unquoted);
  const signs = verb.toLowerCase().endsWith("in") ? "in" : "out";
  const isTooMuch = rest.length > LONGEST || others.length > 0 || (signs === "out" && answer !== undefined);
  if (isTooMuch || !/^[a-z0-9-]{1,24}$/.test(server)) return { kind: "wrong" };
  return {
    kind: "right",
    argument: { signs, server, ...(answer === undefined ? {} : { answer: answer.replace(/^<(.*)>$/s, "$1") }) },
  };
}

/** Signs the author of a command in or out. Throws DatabaseError. */
export async function signInOrOut(
  services: CommandServices,
  asked: Asked,
  { signs, server, answer }: SignInWish,
): Promise<CommandOutcome> {
  const { toolSignIns: people } = services;
  const { message, words } = asked;
  const { signIn: phrases } = words.commands.tools;
  const who = { server, userId: message.sender };
  const config = people.server(server);
  if (signs === "out") {
    const ended = await people.signOut(who);
    if (!ended && config === undefined) return { words: phrases.noServer(people.names) };
    return { words: ended ? phrases.ended(server) : phrases.notSignedIn(server) };
  }
  if (config === undefined) return { words: phrases.noServer(people.names) };
  const isPrivate = message.encrypted && message.direct;
  // Others have seen it, or may have: it signs nobody in any more.
  if (!isPrivate && answer !== undefined) await people.spoil(answer);
  if (config.users?.some((glob) => matchesGlob(glob, message.sender)) === false)
    return { words: phrases.notYours(server) };
  if (!isPrivate) return { words: phrases.onlyPrivately(server) };
  try {
    return { words: await services.patience.wait(`sign-in ${server}`, () => signIn(services, asked, who, answer)) };
  } catch (error) {
    if (error instanceof SignInFailure) return { words: phrases.failed[error.code], encrypted: true };
    if (error instanceof ProviderError) return { words: phrases.slow, encrypted: true };
    throw error;
  }
}

async function signIn(
  { toolSignIns: people }: CommandServices,
  { message, words }: Asked,
  who: { readonly server: string; readonly userId: string },
  answer: string | undefined,
): Promise<string> {
  const { signIn: phrases } = words.commands.tools;
  const { server } = who;
  if (answer === undefined) {
    const link = await people.link(who, message.eventId);
    return phrases.link(server, link, ATTEMPT_MINUTES, people.comesBack);
  }
  if (!isCode(answer)) await people.finish(who, answer, message.eventId);
  else if (!(await people.confirm(who, answer, message.eventId))) return phrases.wrongCode;
  return phrases.done(server);
}

/** Says of each server to which people sign in, and which the author may use here, whether they have signed in. */
export async function signInStates(
  { toolSignIns: people }: CommandServices,
  { message, words }: Asked,
  decided: readonly DecidedTool[],
): Promise<readonly string[]> {
  const { names } = people;
  if (names.length === 0) return [];
  const { signIn: phrases } = words.commands.tools;
  const usable = new Set(decided.filter(({ decision }) => decision.may !== "refuse").map(({ server }) => server));
  const signedIn = await people.serversOf(message.sender);
  return names
    .filter((name) => usable.has(name) || signedIn.has(name))
    .map((name) => (signedIn.has(name) ? phrases.yes(name) : phrases.no(name)));
}
