import type { Logger } from "../observability/log.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { ATTEMPT_MINUTES } from "../tools/sign-in/sign-in-attempts.ts";
import type { PersonSignIns } from "../tools/sign-in/person-sign-ins.ts";
import { SignInFailure } from "../tools/sign-in/sign-in-failure.ts";
import { stepOf, type Turn } from "../turns/turn.ts";
import { noticeContent } from "./reply.ts";
import type { RoomLanguage } from "./room-language.ts";

/** Whether a person has got a link for signing in: now or for an earlier question; she has no fit chat; or there is none now. */
export type AskedToSignIn = "sent" | "no_chat" | "failed";

/**
 * Has the person behind a turn sign in to a server of tools. Throws the homeserver's and the database's errors.
 *
 * @param more the scopes that the server wants beside those of her present sign-in.
 */
export type AskToSignIn = (turn: Turn, server: string, more?: readonly string[]) => Promise<AskedToSignIn>;

/** The surroundings of links. */
export interface SignInLinksOptions {
  readonly people: Pick<PersonSignIns, "hasLink" | "link" | "comesBack">;
  readonly ghostOf: (userId: string) => Pick<GhostHandle, "send">;
  /** An encrypted direct chat of a ghost with a person, which may be made for that; undefined where there can be none. */
  readonly privateChat: (ghost: string, person: string, preferred: string) => Promise<string | undefined>;
  readonly language: RoomLanguage;
  readonly log: Logger;
}

/** Sends links to people, each to the one person alone, whichever room the question is from. */
export function signInLinks(options: SignInLinksOptions): AskToSignIn {
  const sending = new Map<string, Promise<AskedToSignIn>>();
  return async (turn, server, more = []) => {
    const step = stepOf(turn, `sign-in ${server}${more.length === 0 ? "" : " again"}`);
    // Calls that are made at once have one link: a second one would end the first, and is not sent.
    const known = sending.get(step);
    if (known !== undefined) return known;
    const sent = sendLink(options, { turn, server, more, step }).finally(() => sending.delete(step));
    sending.set(step, sent);
    return sent;
  };
}

async function sendLink(
  { people, ghostOf, privateChat, language, log }: SignInLinksOptions,
  {
    turn,
    server,
    more,
    step,
  }: {
    readonly turn: Turn;
    readonly server: string;
    readonly more: readonly string[];
    readonly step: string;
  },
): Promise<AskedToSignIn> {
  const { ghost, asker, roomId } = turn;
  const who = { server, userId: asker };
  try {
    // One link at a time: she may be on her way with it.
    if (await people.hasLink(who, step, more)) return "sent";
    const chat = await privateChat(ghost, asker, roomId);
    if (chat === undefined) return "no_chat";
    const link = await people.link(who, step, more);
    const { signIn: phrases } = (await language.words(ghost, chat)).commands.tools;
    const words = phrases.link(server, link, ATTEMPT_MINUTES, people.comesBack);
    const notice = noticeContent(more.length === 0 ? words : `${phrases.wantsMore(server, more)}\n\n${words}`);
    await ghostOf(ghost).send(chat, "m.room.message", notice, step, { form: "encrypted" });
    return "sent";
  } catch (error) {
    if (error instanceof SignInFailure) return "failed";
    if (isRetryable(error)) throw error;
    log.warn({ ghost, user: asker, server, error }, "a link for signing in could not be sent");
    return "no_chat";
  }
}
