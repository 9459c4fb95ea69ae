import type { Actor } from "../audit/audit-entry.ts";
import { AuditLog } from "../audit/audit-log.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";

/** The tool of a room's decision. */
export interface GrantedTool {
  readonly ghost: string;
  readonly roomId: string;
  readonly server: string;
  readonly tool: string;
  /** The hash of its definition. */
  readonly definition: string;
}

/** A decision of a room's moderators about a tool, for all later calls. */
export interface ToolGrant {
  readonly server: string;
  readonly tool: string;
  readonly decision: "allowed" | "forbidden";
  readonly definition: string;
  /** Whether it came encrypted. */
  readonly encrypted: boolean;
  readonly by: string;
}

/** A decision with its agent and room. */
export interface RoomGrant extends ToolGrant {
  readonly ghost: string;
  readonly roomId: string;
  /** The room's name, where it has one. */
  readonly roomName: string | undefined;
  readonly isEncrypted: boolean;
  readonly at: Date;
}

/** Permissions that are taken back; a field that is left out selects all. */
export type GrantSelection = {
  readonly [Field in keyof Omit<GrantedTool, "definition">]?: GrantedTool[Field] | undefined;
};

/** The permissions that are taken back in one transaction. */
const FORGOTTEN_AT_ONCE = 500;

/** The rows of `tool_grants`. */
export class ToolGrants {
  readonly #database: Database;
  readonly #audit: AuditLog;

  constructor(database: Database) {
    this.#database = database;
    this.#audit = new AuditLog(database);
  }

  /** The decisions for an agent in a room. */
  async of(ghost: string, roomId: string): Promise<readonly ToolGrant[]> {
    const { rows } = await this.#database.query<ToolGrant>(
      `select server, tool, decision, definition, encrypted, decided_by as by from tool_grants
       where ghost = $1 and room_id = $2 order by server, tool`,
      [ghost, roomId],
    );
    return rows;
  }

  /** The first decisions of all rooms, in the order of agents, rooms and tools, or those after one of them. */
  async all({
    after,
    limit,
  }: {
    readonly after?: Omit<GrantedTool, "definition">;
    readonly limit: number;
  }): Promise<readonly RoomGrant[]> {
    const { rows } = await this.#database.query<Omit<RoomGrant, "roomName"> & { roomName: string | null }>(
      `select ghost, room_id as "roomId", server, tool, decision, definition, encrypted, decided_by as by, decided_at as at,
         name as "roomName", encryption is not null as "isEncrypted"
       from tool_grants left join rooms using (room_id)
       where (ghost, room_id, server, tool) > ($1, $2, $3, $4) order by ghost, room_id, server, tool limit $5`,
      [after?.ghost ?? "", after?.roomId ?? "", after?.server ?? "", after?.tool ?? "", limit],
    );
    return rows.map(({ roomName, ...row }) => ({ ...row, roomName: roomName ?? undefined }));
  }

  /** Decides about a tool; a later decision replaces an earlier one. */
  async decide(
    tx: Queryable,
    { ghost, roomId, server, tool, definition }: GrantedTool,
    { decision, encrypted, by }: Pick<ToolGrant, "decision" | "encrypted" | "by">,
  ): Promise<void> {
    await tx.query(
      `insert into tool_grants (ghost, room_id, server, tool, decision, definition, encrypted, decided_by)
       values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (ghost, room_id, server, tool) do update
         set decision = excluded.decision, definition = excluded.definition, encrypted = excluded.encrypted,
           decided_by = excluded.decided_by, decided_at = now()`,
      [ghost, roomId, server, tool, decision, definition, encrypted, by],
    );
    const kind = decision === "allowed" ? "tool.granted" : "tool.forbidden";
    await this.#audit.record(tx, { kind, ghost, room: roomId, by, server, tool, definition });
  }

  /** Takes a decision back: people are asked again. */
  async revoke(
    tx: Queryable,
    { ghost, roomId, server, tool }: Omit<GrantedTool, "definition">,
    by: string,
  ): Promise<void> {
    const { count } = await tx.query(
      "delete from tool_grants where ghost = $1 and room_id = $2 and server = $3 and tool = $4",
      [ghost, roomId, server, tool],
    );
    if (count > 0) await this.#audit.record(tx, { kind: "tool.revoked", ghost, room: roomId, by, server, tool });
  }

  /** Takes back what was allowed to an agent that has left a room. What was forbidden stays so until it is pruned. */
  async forget(tx: Queryable, ghost: string, roomId: string): Promise<void> {
    await tx.query("delete from tool_grants where ghost = $1 and room_id = $2 and decision = 'allowed'", [
      ghost,
      roomId,
    ]);
  }
}

/**
 * Takes permissions back on behalf of whoever runs the bridge: people are asked again, from the next call on. What a room has
 * forbidden stays forbidden. Of many permissions some may be gone when it throws. Resolves with their number. Throws DatabaseError.
 */
export async function forgetToolGrants(database: Database, selection: GrantSelection, by: Actor): Promise<number> {
  const { ghost, roomId, server, tool } = selection;
  const audit = new AuditLog(database);
  for (let forgotten = 0; ;) {
    const count = await database.transaction(async (tx) => {
      const { rows } = await tx.query<{ ghost: string; room: string; server: string; tool: string }>(
        `with chosen as (
           select ghost, room_id, server, tool from tool_grants
           where decision = 'allowed' and ghost = coalesce($1, ghost) and room_id = coalesce($2, room_id)
             and server = coalesce($3, server) and tool = coalesce($4, tool) limit $5)
         delete from tool_grants using chosen
         where decision = 'allowed' and tool_grants.ghost = chosen.ghost and tool_grants.room_id = chosen.room_id
           and tool_grants.server = chosen.server and tool_grants.tool = chosen.tool
         returning tool_grants.ghost, tool_grants.room_id as room, tool_grants.server, tool_grants.tool`,
        [ghost ?? null, roomId ?? null, server ?? null, tool ?? null, FORGOTTEN_AT_ONCE],
      );
      await Promise.all(
        rows.map((row) =>
          audit.record(tx, {
            kind: "tool.revoked",
            ghost: row.ghost,
            room: row.room,
            by,
            server: row.server,
            tool: row.tool,
          }),
        ),
      );
      return rows.length;
    });
    forgotten += count;
    if (count < FORGOTTEN_AT_ONCE) return forgotten;
  }
}

/**
 * The effect of a decision in the room's present state: it allows only the tool as it was, as long as whoever allowed it
 * moderates the room, and one that came unencrypted allows nothing in an encrypted room. A prohibition always counts.
 */
export function countedGrant(
  grant: ToolGrant | undefined,
  now: {
    readonly definition: string;
    readonly isEncrypted: boolean;
    /** Whether the person who has allowed it could allow it now. */
    readonly mayStillGrant: boolean;
  },
): ToolGrant["decision"] | undefined {
  if (grant?.decision !== "allowed") return grant?.decision;
  const counts = grant.definition === now.definition && (grant.encrypted || !now.isEncrypted) && now.mayStillGrant;
  return counts ? "allowed" : undefined;
}

/** Deletes the decisions for agents that are no longer in the room. Returns the number of rows. */
export function pruneToolGrants(database: Database, signal?: AbortSignal): Promise<number> {
  const where = `exists (select from memberships where memberships.ghost = tool_grants.ghost
    and memberships.room_id = tool_grants.room_id and membership not in ('join', 'invite'))
    or (decided_at < now() - interval '90 days' and not exists (select from memberships
      where memberships.ghost = tool_grants.ghost and memberships.room_id = tool_grants.room_id))`;
  return deleteInBatches(database, { from: "tool_grants", where }, signal);
}
