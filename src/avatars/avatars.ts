import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { portrait, PORTRAIT_VERSION } from "./portrait.ts";
import type { Database } from "../database/database.ts";
import { getProfile, setAvatarUrl, uploadMedia } from "../homeserver/calls.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isHomeserverError, isRefusal } from "../homeserver/errors.ts";
import type { Logger } from "../observability/log.ts";

/** The ghosts handled at once; nobody waits for a picture. */
const CONCURRENCY = 2;

/** The pause after the homeserver refused pictures, in ms. */
const AGAIN_AFTER_MS = 600_000;

/** The parts that avatars need. */
export interface AvatarsOptions {
  readonly database: Database;
  readonly client: HomeserverClient;
  /** The path of a ghost's configured image; undefined when there is none. */
  readonly configured: (userId: string) => string | undefined;
  /** Whether a ghost's user was just made, so that nobody has set or removed its avatar. */
  readonly isNew: (userId: string) => boolean;
  readonly log: Logger;
  /** By default 10 minutes. */
  readonly againAfterMs?: number;
}

/** The last avatar that a ghost got. */
interface Given {
  readonly userId: string;
  readonly picture: string | undefined;
  readonly url: string | undefined;
}

/**
 * Gives each ghost its avatar: its configured image, or else our drawing. It remembers each avatar, and makes no
 * request for a ghost whose picture is unchanged. A drawing only replaces our own pictures: an avatar that somebody set
 * or removed on the homeserver stays that way.
 */
export class Avatars {
  readonly #options: AvatarsOptions;
  readonly #stopping = new AbortController();
  readonly #failed = new Set<string>();
  /** Those whose avatar may have been set by somebody else while it waited. */
  readonly #retried = new Set<string>();
  #round: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AvatarsOptions) {
    this.#options = options;
  }

  /**
   * Gives these ghosts their avatars, if their users exist. Rejects only when the database can't be read; a failed
   * upload is retried later.
   */
  give(userIds: readonly string[]): Promise<void> {
    const round = this.#round.then(() => this.#giveAll(userIds));
    this.#round = round.catch(() => undefined);
    return round;
  }

  /** Stops running work and planned retries. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#round;
  }

  async #giveAll(userIds: readonly string[]): Promise<void> {
    const { signal } = this.#stopping;
    const waiting = await this.#given(userIds);
    let isAway = false;
    const work = async (): Promise<void> => {
      for (let ghost = waiting.pop(); ghost !== undefined; ghost = waiting.pop()) {
        if (signal.aborted) return;
        if (isAway) this.#failed.add(ghost.userId);
        else if (!(await this.#give(ghost))) isAway = true;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    if (this.#failed.size > 0 && !signal.aborted) this.#giveLater();
  }

  #giveLater(): void {
    const { againAfterMs = AGAIN_AFTER_MS, log } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const userIds = [...this.#failed];
      this.#failed.clear();
      for (const userId of userIds) this.#retried.add(userId);
      this.give(userIds).catch((error: unknown) => log.warn({ error }, "avatars could not be updated"));
    }, againAfterMs);
    this.#timer.unref();
  }

  /** False when the homeserver is away. */
  async #give(ghost: Given): Promise<boolean> {
    const { log } = this.#options;
    const { userId } = ghost;
    try {
      await this.#giveOne(ghost);
      return true;
    } catch (error) {
      if (this.#stopping.signal.aborted) return true;
      log.warn({ ghost: userId, error }, "this ghost's avatar could not be set yet");
      if (isHomeserverError(error) && error.retryable) this.#failed.add(userId);
      return !isHomeserverError(error) || !error.retryable;
    }
  }

  async #giveOne(ghost: Given): Promise<void> {
    const { client, configured, isNew, log } = this.#options;
    const { userId } = ghost;
    const options = { signal: this.#stopping.signal };
    const path = configured(userId);
    const image = path === undefined ? undefined : await readFile(path);
    const picture = image === undefined ? `drawn ${PORTRAIT_VERSION}` : hashOf(image);
    if (picture === ghost.picture) return;
    const isDrawn = image === undefined;
    const isUntouched = ghost.picture === undefined && !this.#retried.has(userId) && isNew(userId);
    if (isDrawn && !isUntouched && (await getProfile(client, { userId }, userId, options))?.avatarUrl !== ghost.url) {
      log.info({ ghost: userId }, "this ghost's avatar was set on the homeserver, and is kept");
      await this.#note({ ...ghost, picture });
      return;
    }
    const bytes = image ?? portrait(localpartOf(userId));
    try {
      const url = await uploadMedia(client, { userId }, { bytes, contentType: imageType(bytes) }, options);
      await setAvatarUrl(client, { userId }, url, options);
      await this.#note({ userId, picture, url });
    } catch (error) {
      // The homeserver accepts no media, none of this kind, or no change of avatars. A configured image is tried again
      // at the next start.
      if (!isDrawn || !isRefusal(error)) throw error;
      log.warn({ ghost: userId, error }, "the homeserver refused this ghost's avatar");
      await this.#note({ ...ghost, picture });
    }
  }

  /** The avatars of those ghosts whose users exist. */
  async #given(userIds: readonly string[]): Promise<Given[]> {
    const { rows } = await this.#options.database.query<{
      user_id: string;
      picture: string | null;
      url: string | null;
    }>(
      `select user_id, picture, url from ghosts left join avatars on ghost = user_id
       where profile is not null and user_id = any($1::text[]) order by user_id desc`,
      [userIds],
    );
    return rows.map((row) => ({
      userId: row.user_id,
      picture: row.picture ?? undefined,
      url: row.url ?? undefined,
    }));
  }

  async #note({ userId, picture, url }: Given): Promise<void> {
    await this.#options.database.query(
      `insert into avatars (ghost, picture, url) values ($1, $2, $3)
       on conflict (ghost) do update set picture = excluded.picture, url = excluded.url`,
      [userId, picture, url ?? null],
    );
  }
}

function hashOf(image: Uint8Array): string {
  return createHash("sha256").update(image).digest("hex");
}

function imageType(image: Buffer): string {
  if (image.subarray(0, 4).toString("latin1") === "\x89PNG") return "image/png";
  if (image.subarray(0, 3).toString("latin1") === "GIF") return "image/gif";
  if (image.subarray(0, 4).toString("latin1") === "RIFF") return "image/webp";
  return "image/jpeg";
}

function localpartOf(userId: string): string {
  return userId.slice(1, userId.indexOf(":"));
}
