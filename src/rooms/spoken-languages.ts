import type { Database } from "../database/database.ts";
import { LANGUAGES, type Language } from "../language/languages.ts";

/**
 * The language in which people write to a ghost in a room, where none of their messages are kept: `memberships.spoken`.
 */
export class SpokenLanguages {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined when none is known yet. Throws DatabaseError. */
  async get(ghost: string, roomId: string): Promise<Language | undefined> {
    const { rows } = await this.#database.query<{ spoken: string | null }>(
      "select spoken from memberships where ghost = $1 and room_id = $2",
      [ghost, roomId],
    );
    return LANGUAGES.find((language) => language === rows[0]?.spoken);
  }

  /** Throws DatabaseError. */
  async note(ghost: string, roomId: string, language: Language): Promise<void> {
    await this.#database.query(
      "update memberships set spoken = $3 where ghost = $1 and room_id = $2 and spoken is distinct from $3",
      [ghost, roomId, language],
    );
  }
}
