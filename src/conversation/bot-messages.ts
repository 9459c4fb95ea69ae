import { noticeContent } from "../answering/reply.ts";
import { answerBot } from "../commands/bot.ts";
import { answerWithLink, asksForPage } from "../commands/page-links.ts";
import { formFor } from "../ghost/form.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { Outcome } from "../ghost/outcome.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { ConversationOptions } from "./conversation-options.ts";

type BotOptions = Pick<ConversationOptions, "agents" | "isLatest" | "language" | "pageLinks" | "privacy" | "pulls">;

/** The bot answers at once; a repeat under the same step is sent once. */
export async function askBot(
  options: BotOptions,
  ghost: GhostHandle,
  message: GhostMessage,
  text: string,
  threadRoot: string | undefined,
): Promise<Outcome> {
  const { language, pulls, pageLinks, agents, privacy, isLatest } = options;
  const { roomId, eventId } = message;
  await language.heard(ghost.userId, roomId, text);
  const words = await language.words(ghost.userId, roomId, text);
  const target = { eventId, threadRoot, follows: await isLatest({ ghost: ghost.userId, roomId, eventId }) };
  const isPull = await pulls.begin(ghost, message, text, target, words);
  ghost.markRead(roomId, eventId, threadRoot);
  if (isPull) return {};
  const answer = asksForPage(text)
    ? await answerWithLink(pageLinks, message, words)
    : answerBot(words, text, agents(), privacy.reach);
  const reply = noticeContent(answer, target);
  await ghost.send(roomId, "m.room.message", reply, `${eventId} bot`, { form: formFor(message) });
  return {};
}
