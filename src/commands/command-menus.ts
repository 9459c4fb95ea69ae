import { createHash } from "node:crypto";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { COMMAND_DESCRIPTION, commandDescriptions, type CommandDescription } from "./command-menu.ts";

/** The descriptions sent to a room: the hash of each content, by its state key. */
type Described = Readonly<Record<string, string>>;

/** Describes commands to clients with menus (MSC4391), and records this: the rows of `command_menus`. */
export class CommandMenus {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Sends new or changed descriptions to a room, and empties those of removed commands; sends nothing when nothing has
   * changed. A room that does not allow it is left alone until a description is new. Throws the errors of the
   * homeserver and the database; the next call then tries again.
   *
   * @param isOff tells which commands do nothing; see {@link offeredIn}.
   */
  async keepUp(
    ghost: GhostHandle,
    roomId: string,
    direct: boolean,
    isOff: (command: string) => boolean,
  ): Promise<void> {
    const wanted = commandDescriptions(ghost.userId, direct, isOff);
    const before = await this.#described(ghost.userId, roomId);
    const now: Described = Object.fromEntries(wanted.map(({ stateKey, content }) => [stateKey, hashOf(content)]));
    const changes: CommandDescription[] = [
      ...Object.keys(before)
        .filter((stateKey) => now[stateKey] === undefined)
        .map((stateKey) => ({ stateKey, content: {} })),
      ...wanted.filter(({ stateKey }) => before[stateKey] !== now[stateKey]),
    ];
    if (changes.length === 0) return;
    const isAllowed = await ghost.setState(roomId, COMMAND_DESCRIPTION, changes);
    await this.#database.query(
      `insert into command_menus (ghost, room_id, described) values ($1, $2, $3)
       on conflict (ghost, room_id) do update set described = excluded.described`,
      [ghost.userId, roomId, JSON.stringify(now)],
    );
    ghost.log.info({ room: roomId, commands: changes.length, isAllowed }, "the room's menu of commands was updated");
  }

  /** Called when a ghost has left a room. */
  async forget(tx: Queryable, ghost: string, roomId: string): Promise<void> {
    await tx.query("delete from command_menus where ghost = $1 and room_id = $2", [ghost, roomId]);
  }

  /** Deletes rooms that ghosts have left. Returns the number of rows. */
  async prune(signal?: AbortSignal): Promise<number> {
    const where = `not exists (select from memberships where memberships.ghost = command_menus.ghost
      and memberships.room_id = command_menus.room_id and membership = 'join')`;
    return deleteInBatches(this.#database, { from: "command_menus", where }, signal);
  }

  async #described(ghost: string, roomId: string): Promise<Described> {
    const { rows } = await this.#database.query<{ described: string }>(
      "select described from command_menus where ghost = $1 and room_id = $2",
      [ghost, roomId],
    );
    return rows[0] === undefined ? {} : (JSON.parse(rows[0].described) as Described);
  }
}

function hashOf(content: object): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("base64url").slice(0, 12);
}
