import { AuditLog } from "../../audit/audit-log.ts";
import type { Database } from "../../database/database.ts";
import { Memberships } from "../../mailbox/memberships.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { roomState } from "../../homeserver/room-calls.ts";
import { roomsMarkedByMessage, unmarkRoom } from "../../rooms/encrypted-by-message.ts";
import { atHomeserver } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { printable } from "../printable.ts";
import { UsageError } from "../usage-error.ts";
import { counted } from "../../language/counted.ts";

type Action = { readonly kind: "list" } | { readonly kind: "unmark"; readonly roomId: string };

/**
 * Lists the rooms that count as encrypted only because of an encrypted message, or takes that back for one of them, if
 * the homeserver's state still says that it is not encrypted and the operator is sure. Returns 0, or 1 when nothing was
 * taken back. Throws UsageError, ConfigError, HomeserverError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "list the rooms that count as encrypted because of a single message, or undo that",
  arguments: { "[list]": "list them", "unmark ROOM": "stop counting a room, by its id, as encrypted" },
  options: { yes: { type: "boolean", meaning: "with unmark: confirm" } },
  run({ config, yes: isSure }, args) {
    const action = parseAction(args);
    if (isSure && action.kind === "list") throw new UsageError("--yes is for rooms unmark only");
    return atHomeserver(config, ({ database, client }) =>
      action.kind === "list" ? list(database) : unmark(action.roomId, { database, client, isSure }),
    );
  },
});

function parseAction([verb = "list", roomId, ...more]: readonly string[]): Action {
  if (verb === "list") {
    if (roomId !== undefined) throw new UsageError("rooms list takes no arguments");
    return { kind: verb };
  }
  if (verb !== "unmark") throw new UsageError(`rooms can list and unmark, not "${verb}"`);
  if (roomId === undefined || !roomId.startsWith("!") || more.length > 0) {
    throw new UsageError("name a room: matrix-agents rooms unmark ROOM (its id, as rooms list shows it)");
  }
  return { kind: verb, roomId };
}

async function list(database: Database): Promise<number> {
  const marked = await roomsMarkedByMessage(database);
  if (marked.length === 0) process.stdout.write("no room counts as encrypted because of a message alone\n");
  for (const { roomId, name, kept } of marked) {
    const named = name === undefined ? "" : ` (${name})`;
    process.stdout.write(
      `${printable(roomId + named)}: ${counted(kept, "remembered message", "remembered messages")} came encrypted\n`,
    );
  }
  return 0;
}

async function unmark(
  roomId: string,
  {
    database,
    client,
    isSure,
  }: {
    readonly database: Database;
    readonly client: HomeserverClient;
    readonly isSure: boolean;
  },
): Promise<number> {
  const marked = (await roomsMarkedByMessage(database)).find((room) => room.roomId === roomId);
  if (marked === undefined) {
    return refuse(
      `${roomId} does not count as encrypted because of a message alone: its state says so, or the room does not count as encrypted`,
    );
  }
  const [userId] = await new Memberships(database).ghostsIn(roomId);
  if (userId === undefined) return refuse(`no agent is in ${roomId}, so its state can't be read`);
  const state = await roomState(client, { userId }, roomId);
  if (state.some(({ type }) => type === "m.room.encryption")) {
    return refuse(`the homeserver says that ${roomId} is encrypted, so it stays encrypted`);
  }
  if (!isSure) {
    process.stdout.write(
      `${printable(roomId)} counts as encrypted because somebody sent an encrypted message there; its state on the homeserver does\n` +
        "not say that the room is encrypted. Once you unmark it, agents hear and answer there unencrypted, and your homeserver\n" +
        "can read that. Do it only if people's own apps show that the room is not encrypted: a homeserver that was taken over\n" +
        `could hide it. ${counted(marked.kept, "message", "messages")} that agents remember came encrypted: agents repeat nothing of that unencrypted.\n` +
        "The next encrypted message marks the room again.\n" +
        `To do it: matrix-agents rooms unmark ${printable(roomId)} --yes\n`,
    );
    return 1;
  }
  const isDone = await database.transaction(async (tx) => {
    const done = await unmarkRoom(tx, roomId);
    const entry = { kind: "admin.command", by: operator(), command: "rooms unmark", subject: roomId } as const;
    if (done) await new AuditLog(database).record(tx, entry);
    return done;
  });
  if (!isDone) return refuse(`the state of ${roomId} has changed just now; list the rooms again`);
  process.stdout.write(`${printable(roomId)} does not count as encrypted any more\n`);
  return 0;
}

function refuse(why: string): number {
  process.stderr.write(`matrix-agents: ${printable(why)}\n`);
  return 1;
}
