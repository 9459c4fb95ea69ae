/** The server of a user id, in lower case, with its port if any. */
export function serverOf(userId: string): string {
  return userId.slice(userId.indexOf(":") + 1).toLowerCase();
}

/** A server name without its port, as spec "m.room.server_acl" compares them. */
export function withoutPort(server: string): string {
  return server.replace(/(?<=[^:]):\d{1,5}$/, "");
}
