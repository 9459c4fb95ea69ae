import { counted } from "../language/counted.ts";
import { forgetToolGrants, ToolGrants, type RoomGrant } from "../tools/tool-grants.ts";
import { atDatabase } from "./at-database.ts";
import { operator } from "./operator.ts";
import { printable } from "./printable.ts";
import { selectionOf } from "./selection.ts";
import { UsageError } from "./usage-error.ts";

/** The decisions that are read at once. */
const PAGE = 500;

/** Prints what rooms have decided about tools. Returns 0. Throws ConfigError, and the error of opening the database. */
export function tellGrants(file: string, { isJson }: { readonly isJson: boolean }): Promise<number> {
  return atDatabase(file, async ({ database }) => {
    const grants = new ToolGrants(database);
    const found: RoomGrant[] = [];
    for (let page: readonly RoomGrant[] | undefined; page === undefined || page.length === PAGE;) {
      const after = found.at(-1);
      page = await grants.all({ limit: PAGE, ...(after === undefined ? {} : { after }) });
      found.push(...page);
    }
    if (isJson) process.stdout.write(`${JSON.stringify(found.map(inJson), null, 2)}\n`);
    else process.stdout.write(found.length === 0 ? "no room has decided about a tool\n" : found.map(inLine).join(""));
    return 0;
  });
}

function inJson({ roomId: room, ghost: agent, server, tool, decision, encrypted, by, at }: RoomGrant): object {
  return { room, agent, server, tool, decision, encrypted, by, at: at.toISOString() };
}

function inLine({
  roomId,
  roomName,
  isEncrypted,
  ghost,
  server,
  tool,
  decision,
  encrypted,
  by,
  at,
}: RoomGrant): string {
  const room = roomName === undefined ? roomId : `${roomId} (${roomName})`;
  const isVoid = decision === "allowed" && isEncrypted && !encrypted;
  const how = isVoid ? ", unencrypted: it no longer counts, because the room is now encrypted" : "";
  const day = at.toISOString().slice(0, 10);
  return `${printable(`${room}: ${ghost}: ${decision} ${server}/${tool}, by ${by} on ${day}${how}`)}\n`;
}

/**
 * Takes permissions for tools back. Returns 0, or 1 where nothing of the named was allowed. Throws UsageError, ConfigError,
 * and the error of opening the database.
 *
 * @param args the room, the agent, the server and the tool; or `all`.
 */
export function forgetGrants(file: string, args: readonly string[]): Promise<number> {
  const [room = "all", agent, server, tool, ...more] = args;
  if (more.length > 0) {
    throw new UsageError(
      "name a room, an agent, and perhaps a server and its tool: matrix-agents tools forget ROOM AGENT [SERVER [TOOL]]",
    );
  }
  return atDatabase(file, async (at) => {
    const selection = { ...(await selectionOf([room, agent], at)), server, tool };
    const count = await forgetToolGrants(at.database, selection, operator());
    if (count === 0 && args.length > 1) {
      process.stderr.write("matrix-agents: no tool was allowed there; what a room has forbidden stays forbidden\n");
      return 1;
    }
    process.stdout.write(`${counted(count, "permission", "permissions")} taken back\n`);
    return 0;
  });
}
