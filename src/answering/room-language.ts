import { spokenLanguage, wordsIn } from "../language/language.ts";
import { DEFAULT_LANGUAGE, LANGUAGES } from "../language/languages.ts";
import type { AnswerSettings } from "../config/config.ts";
import type { Words } from "../language/words.ts";
import type { RoomSettingsStore } from "../rooms/settings-store.ts";
import type { SpokenLanguages } from "../rooms/spoken-languages.ts";
import type { History } from "../memory/history.ts";

/** So many of the last messages to an agent tell in which language people speak. */
const LISTENED_TO = 6;

/** In which language an agent says its notices: as the room has set it, or the admin, or as people speak there. */
export class RoomLanguage {
  readonly #settings: RoomSettingsStore;
  readonly #history: History;
  readonly #spoken: SpokenLanguages;
  readonly #configured: () => AnswerSettings["language"];

  constructor(options: {
    readonly settings: RoomSettingsStore;
    readonly history: History;
    readonly spoken: SpokenLanguages;
    /** What the admin has set; asked anew each time. */
    readonly configured: () => AnswerSettings["language"];
  }) {
    this.#settings = options.settings;
    this.#history = options.history;
    this.#spoken = options.spoken;
    this.#configured = options.configured;
  }

  /**
   * What is said in a room.
   *
   * @param saying what somebody says there just now.
   */
  async words(ghost: string, roomId: string, saying = ""): Promise<Words> {
    const { language = this.#configured() } = await this.#settings.get(ghost, roomId);
    if (language !== "auto") return wordsIn(language);
    const now = spokenLanguage([saying]);
    if (now !== undefined) return wordsIn(now);
    const said = await this.#history.lastWords(ghost, roomId, LISTENED_TO);
    return wordsIn(spokenLanguage(said) ?? (await this.#spoken.get(ghost, roomId)) ?? DEFAULT_LANGUAGE);
  }

  /** Remembers in which language something was said to a ghost that keeps nothing of it. */
  async heard(ghost: string, roomId: string, saying: string): Promise<void> {
    const language = spokenLanguage([saying]);
    if (language !== undefined) await this.#spoken.note(ghost, roomId, language);
  }

  /** What is said in a room that has just been set so; `undefined` when that was taken back. */
  async wordsFor(language: string | undefined, ghost: string, roomId: string): Promise<Words> {
    const chosen = LANGUAGES.find((one) => one === language);
    return chosen === undefined ? this.words(ghost, roomId) : wordsIn(chosen);
  }

  /** What is said where there is no room yet. */
  get elsewhere(): Words {
    const language = this.#configured();
    return wordsIn(language === "auto" ? DEFAULT_LANGUAGE : language);
  }
}
