import type { Locality } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import { storable } from "../database/text.ts";

/** A request to a provider: where it went and how large it was, never what it said. */
export interface ProviderRequest {
  readonly ghost: string;
  readonly roomId: string;
  readonly provider: string;
  readonly host: string;
  readonly locality: Locality;
  readonly model: string;
  readonly kind: "chat" | "summary" | "picture" | "recording";
  readonly bytes: number;
}

/** What went to one place. */
export interface SentTo {
  readonly ghost: string;
  readonly provider: string;
  readonly host: string;
  readonly locality: Locality;
  readonly requests: number;
  readonly bytes: number;
}

/** The rows of `provider_requests`: what was sent where. */
export class ProviderRequests {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Notes a request, before it is sent. */
  async note({ ghost, roomId, provider, host, locality, model, kind, bytes }: ProviderRequest): Promise<void> {
    await this.#database.query(
      `insert into provider_requests (ghost, room_id, provider, host, locality, model, kind, bytes)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [ghost, roomId, provider, host, locality, storable(model), kind, bytes],
    );
  }

  /** What went out of a room in the last days, by agent and place. */
  async since(roomId: string, days: number): Promise<SentTo[]> {
    const { rows } = await this.#database.query<SentTo>(
      `select ghost, provider, host, locality, count(*)::integer as requests, sum(bytes)::bigint as bytes
       from provider_requests where room_id = $1 and sent_at > now() - make_interval(days => $2)
       group by ghost, provider, host, locality order by locality, ghost, provider, host`,
      [roomId, days],
    );
    return rows;
  }

  /** Deletes those that are older. */
  async prune(olderThanDays: number): Promise<number> {
    const { count } = await this.#database.query(
      "delete from provider_requests where sent_at < now() - make_interval(days => $1)",
      [olderThanDays],
    );
    return count;
  }
}

/** A size as people read it. */
export function sizeInWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
