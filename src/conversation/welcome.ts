import { shownName } from "../addressing/candidate.ts";
import { callFor } from "../addressing/call.ts";
import { offOn } from "../commands/offered.ts";
import { noticeContent } from "../answering/reply.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { ConversationOptions } from "./conversation-options.ts";

type WelcomeOptions = Pick<
  ConversationOptions,
  "agentOf" | "answers" | "language" | "menus" | "permissions" | "privacy" | "provider" | "tools"
>;

/** An agent's first words in a room, and its command menus there. */
export class Welcome {
  readonly #options: WelcomeOptions;

  constructor(options: WelcomeOptions) {
    this.#options = options;
  }

  /** Describes the commands to clients with menus, and introduces the agent, where the admin wants that. */
  async joined(
    ghost: GhostHandle,
    { roomId, direct }: { readonly roomId: string; readonly direct: boolean },
  ): Promise<void> {
    // Before the greeting, so that nothing stands between the greeting and people's messages.
    await this.keepMenus(ghost, roomId, direct);
    const welcome = await this.textFor(ghost, roomId, direct);
    if (welcome !== undefined) {
      await ghost.send(roomId, "m.room.message", noticeContent(welcome), `welcome ${roomId}`, { form: "of_room" });
    }
  }

  /** A menu that fails must not silence the agent. */
  async keepMenus(ghost: GhostHandle, roomId: string, direct: boolean): Promise<void> {
    if (!this.#options.answers().commandMenus || ghost.isBot) return;
    const { menus, permissions } = this.#options;
    await menus.keepUp(ghost, roomId, direct, offOn(permissions, this.#options.tools)).catch((error: unknown) => {
      ghost.log.warn(
        { room: roomId, error },
        "the commands could not be described; trying again with the next message",
      );
    });
  }

  /** Undefined where no welcome is wanted; but a cloud agent always says that it is one. */
  async textFor(ghost: GhostHandle, roomId: string, direct: boolean): Promise<string | undefined> {
    const { answers, language, permissions } = this.#options;
    const agent = this.#options.agentOf(ghost.userId);
    const isCloud = agent?.locality === "cloud";
    if ((!answers().welcome && !isCloud) || permissions.isBanList(roomId)) return undefined;
    const words = await language.words(ghost.userId, roomId);
    const call = callFor(ghost.userId, agent?.name, direct);
    if (ghost.isBot) return words.bot.welcome(call);
    const isDemo = agent !== undefined && agent.model === undefined;
    const hello = words.welcome({ agent: shownName(this.#options.agentOf(ghost.userId), ghost.userId), call, isDemo });
    if (!isCloud) return hello;
    const { displayName, provider } = agent;
    const host = this.#options.provider(provider)?.host ?? "?";
    const { privacy } = this.#options;
    const room = { roomId, encrypted: false };
    const says = words.welcomeCloud[await privacy.policyIn(room)];
    return `${hello}\n\n${says({ agent: displayName, provider, host, call }, await privacy.ruleIn(room))}`;
  }
}
