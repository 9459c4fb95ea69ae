import { reasonOfNetworkCode } from "../observability/network-fault.ts";
import type { DatabaseError } from "./database.ts";

const DAMAGED = "PostgreSQL's files are damaged: restore a backup";

/** The words for the SQLSTATEs that an admin can mend (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const REASONS: Readonly<Record<string, string>> = {
  "28P01": "PostgreSQL refuses the password of this user",
  "28000": "PostgreSQL does not let this user in: see pg_hba.conf, and whether the role exists",
  "3D000": "PostgreSQL has no database of that name: createdb makes it",
  "42501": "the role has no right to it: let it own the database",
  "53100": "PostgreSQL's disk is full",
  "53300": "PostgreSQL has no connection left: raise max_connections",
  "57P01": "PostgreSQL is being stopped",
  "57P03": "PostgreSQL is starting; try again in a moment",
  "25006": "PostgreSQL is read-only: name the primary server, not a replica",
  "58030": "PostgreSQL can't read or write its files: read the system's log (dmesg)",
  "58P01": DAMAGED,
  XX001: DAMAGED,
  XX002: DAMAGED,
  EACCES: "this user may not use PostgreSQL's socket",
  ENOENT: "there is no socket of PostgreSQL in that folder: is it running, and is that its folder?",
};

/** The words for what the driver says without a code. */
const SAYINGS: readonly (readonly [RegExp, string])[] = [
  [/does not support SSL/, "PostgreSQL speaks no TLS: take sslmode out of database.url"],
  [/password must be a string|SCRAM|no password/i, "PostgreSQL asks for a password, and database.url has none"],
  [/timeout/i, "PostgreSQL does not answer in time"],
  [/terminated|closed|ended/i, "PostgreSQL hung up"],
];

/** Why the database can't be used, in words for the admin; undefined for a fault that no admin can mend. */
export function reasonOfDatabaseError({ code, message, cause }: DatabaseError): string | undefined {
  const known = code === undefined ? undefined : REASONS[code];
  if (known !== undefined) return known;
  // Our own refusals are in words already.
  if (cause === undefined) return message;
  if (code === undefined) return SAYINGS.find(([pattern]) => pattern.test(message))?.[1] ?? message;
  return reasonOfNetworkCode(code);
}
