import type { Queryable } from "../database/database.ts";
import { spokenLanguage } from "../language/spoken-language.ts";
import { DEFAULT_LANGUAGE, LANGUAGES, wordsIn } from "../language/languages.ts";
import type { AnswerSettings } from "../config/config.ts";
import type { Words } from "../language/words.ts";
import type { RoomSettings } from "../rooms/settings.ts";
import type { RoomSettingsStore } from "../rooms/settings-store.ts";
import type { Memberships } from "../mailbox/memberships.ts";
import type { History } from "../memory/history.ts";

/** The number of latest messages to an agent that decide on its language. */
const LISTENED_TO = 6;

/** The language of an agent's notices: the room's setting, the admin's, or the one that people write. */
export class RoomLanguage {
  readonly #settings: RoomSettingsStore;
  readonly #history: History;
  readonly #memberships: Memberships;
  readonly #configured: () => AnswerSettings["language"];

  constructor(options: {
    readonly settings: RoomSettingsStore;
    readonly history: History;
    readonly memberships: Memberships;
    /** The admin's setting; read anew each time. */
    readonly configured: () => AnswerSettings["language"];
  }) {
    this.#settings = options.settings;
    this.#history = options.history;
    this.#memberships = options.memberships;
    this.#configured = options.configured;
  }

  /**
   * The phrases for a room.
   *
   * @param saying a message that was just written there.
   */
  async words(ghost: string, roomId: string, saying = ""): Promise<Words> {
    return this.wordsWith(await this.#settings.get(ghost, roomId), ghost, roomId, saying);
  }

  /**
   * The same where the room's settings are known.
   *
   * @param database the transaction to read in.
   */
  async wordsWith(
    set: Pick<RoomSettings, "language">,
    ghost: string,
    roomId: string,
    saying = "",
    database?: Queryable,
  ): Promise<Words> {
    const { language = this.#configured() } = set;
    if (language !== "auto") return wordsIn(language);
    const now = spokenLanguage([saying]);
    if (now !== undefined) return wordsIn(now);
    const said = await this.#history.lastWords(ghost, roomId, LISTENED_TO, database);
    const spoken = spokenLanguage(said) ?? (await this.#memberships.spokenLanguage(ghost, roomId, database));
    return wordsIn(spoken ?? DEFAULT_LANGUAGE);
  }

  /** Remembers the language of a message to a ghost that stores no messages. */
  async heard(ghost: string, roomId: string, saying: string): Promise<void> {
    const language = spokenLanguage([saying]);
    if (language !== undefined) await this.#memberships.setSpokenLanguage(ghost, roomId, language);
  }

  /** The phrases for a room that has just changed its setting; `undefined` when it was reset. */
  async wordsFor(language: string | undefined, ghost: string, roomId: string): Promise<Words> {
    const chosen = LANGUAGES.find((one) => one === language);
    return chosen === undefined ? this.words(ghost, roomId) : wordsIn(chosen);
  }

  /** The phrases for use outside rooms. */
  get elsewhere(): Words {
    const language = this.#configured();
    return wordsIn(language === "auto" ? DEFAULT_LANGUAGE : language);
  }
}
