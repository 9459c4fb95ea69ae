import { beginPull } from "../agents/pull.ts";
import type { Actor, AuditEntry } from "../audit/audit-entry.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { formFor, type Form } from "../ghost/form.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { Words } from "../language/words.ts";
import type { Permissions } from "../permissions/permissions.ts";
import { canInstall, ProviderError, type Provider, type PullProgress } from "../providers/provider.ts";
import { editContent, noticeContent, type ReplyTarget } from "../answering/reply.ts";

/** The parts that pulls need. */
export interface PullOptions {
  /** Decides who may pull. */
  readonly permissions: Permissions;
  readonly providers: () => readonly Provider[];
  /** Records an admin's pulls, and refusals, in the audit log. */
  readonly note: (entry: AuditEntry) => Promise<void>;
  /** Called when a model is installed. */
  readonly installed: () => void;
}

/** The notice of a pull's progress. */
interface PullNotice {
  readonly roomId: string;
  readonly notice: string;
  /** The requesting message. */
  readonly eventId: string;
  readonly form: Form;
}

/** A model that a provider installs. */
interface Pull {
  readonly provider: string;
  readonly model: string;
  readonly progress: AsyncIterable<PullProgress>;
}

/** The notice of an installation is edited at every quarter. */
const SHOWN_EVERY_PERCENT = 25;

/**
 * The models that the bot installs for admins. A pull does not survive a restart: when asked again, the server
 * continues it.
 */
export class Pulls {
  readonly #options: PullOptions;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: PullOptions) {
    this.#options = options;
  }

  /**
   * Answers `pull …` with a notice, which later edits update. False when the message is no such command. Throws the
   * error of sending; then nothing has started.
   */
  async begin(
    bot: GhostHandle,
    { roomId, eventId, sender, encrypted }: GhostMessage,
    text: string,
    target: ReplyTarget,
    { pull }: Words,
  ): Promise<boolean> {
    const [command, first, second] = text.trim().split(/\s+/);
    if (!/^!?pull$/i.test(command ?? "")) return false;
    const form = formFor({ encrypted });
    const say = (words: string): Promise<string> =>
      bot.send(roomId, "m.room.message", noticeContent(words, target), `${eventId} bot`, { form });
    const able = this.#options.providers().filter(canInstall);
    const only = able.length === 1 ? able[0]?.name : undefined;
    const [name, model] = second === undefined ? [only, first] : [first, second];
    const provider = able.find((one) => one.name === name);
    const request = { act: "administer", userId: sender, ghost: bot.userId, roomId } as const;
    if (!this.#options.permissions.decide(request).allowed) {
      await this.#options.note({ kind: "refused", what: "pull", by: sender, room: roomId, reason: "not_admin" });
      await say(pull.onlyAdmins);
    } else if (provider === undefined || model === undefined) await say(pull.which(able.map((one) => one.name)));
    else {
      const { note } = this.#options;
      const { signal } = this.#stopping;
      const progress = await beginPull({ provider, model, by: sender as Actor, note, signal });
      const notice = await say(pull.progress(model, provider.name, undefined));
      const running = this.#run(
        bot,
        { roomId, notice, eventId, form },
        { provider: provider.name, model, progress },
        pull,
      ).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
    return true;
  }

  /** Stops running pulls. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#running);
  }

  /** Never rejects. */
  async #run(
    bot: GhostHandle,
    { roomId, notice, eventId, form }: PullNotice,
    { provider, model, progress }: Pull,
    pull: Words["pull"],
  ): Promise<void> {
    const log = bot.log.child({ room: roomId, provider, model });
    let edits = 0;
    const edit = async (words: string): Promise<void> => {
      const content = editContent(notice, noticeContent(words));
      await bot.send(roomId, "m.room.message", content, `${eventId} bot ${edits++}`, { form });
    };
    try {
      let shown = 0;
      for await (const { completed = 0, total = 0 } of progress) {
        const percent = total > 0 ? Math.floor((completed / total) * 100) : 0;
        if (percent < shown + SHOWN_EVERY_PERCENT || percent >= 100) continue;
        shown = percent;
        await edit(pull.progress(model, provider, percent));
      }
      await edit(pull.done(model, provider));
      log.info("model installed");
      this.#options.installed();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      log.warn({ error }, "model not installed");
      if (!(error instanceof ProviderError)) return;
      await edit(pull.failed(model, provider, error.message)).catch((failure: unknown) => {
        log.warn({ error: failure }, "the end of a pull could not be announced");
      });
    }
  }
}
