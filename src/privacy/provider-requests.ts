import { AuditLog } from "../audit/audit-log.ts";
import type { Locality } from "../config/config.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";

/** A request to a provider: its recipient and size, never its content. */
export interface ProviderRequest {
  readonly ghost: string;
  readonly roomId: string;
  readonly provider: string;
  readonly host: string;
  readonly locality: Locality;
  readonly model: string;
  readonly kind: "chat" | "summary" | "picture" | "recording" | "tool";
  readonly bytes: number;
}

/** The requests to one recipient. */
export interface SentTo {
  readonly ghost: string;
  readonly provider: string;
  readonly host: string;
  readonly locality: Locality;
  readonly requests: number;
  readonly bytes: number;
}

/** The rows of `provider_requests`: the size and recipient of each request. */
export class ProviderRequests {
  readonly #database: Database;
  readonly #audit: AuditLog;

  constructor(database: Database) {
    this.#database = database;
    this.#audit = new AuditLog(database);
  }

  /** Records a request before it is sent; a request that leaves the network is also recorded in the audit log. */
  async note(request: ProviderRequest): Promise<void> {
    if (request.locality === "local") return this.#insert(this.#database, request);
    const { ghost, roomId: room, provider, host, model, kind: what, bytes } = request;
    await this.#database.transaction(async (tx) => {
      await this.#insert(tx, request);
      await this.#audit.record(tx, { kind: "cloud.sent", ghost, room, provider, host, model, what, bytes });
    });
  }

  async #insert(
    tx: Queryable,
    { ghost, roomId, provider, host, locality, model, kind, bytes }: ProviderRequest,
  ): Promise<void> {
    await tx.query(
      `insert into provider_requests (ghost, room_id, provider, host, locality, model, kind, bytes)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [ghost, roomId, provider, host, locality, storable(model), kind, bytes],
    );
  }

  /** The requests of a room in the last days, by agent and recipient. */
  async since(roomId: string, days: number): Promise<SentTo[]> {
    const { rows } = await this.#database.query<SentTo>(
      `select ghost, provider, host, locality, count(*)::integer as requests, sum(bytes)::bigint as bytes
       from provider_requests where room_id = $1 and sent_at > now() - make_interval(days => $2)
       group by ghost, provider, host, locality order by locality, ghost, provider, host`,
      [roomId, days],
    );
    return rows;
  }

  /** Deletes older rows. */
  async prune(olderThanDays: number, signal?: AbortSignal): Promise<number> {
    const where = "sent_at < now() - $1 * interval '1 day'";
    return deleteInBatches(this.#database, { from: "provider_requests", where, values: [olderThanDays] }, signal);
  }
}

/** A size for people. */
export function sizeInWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
