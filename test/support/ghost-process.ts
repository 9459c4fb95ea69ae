import { openEmbedded } from "../../src/database/embedded.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import type { Database } from "../../src/database/database.ts";
import { createCryptoStore } from "../../src/crypto/store/crypto-store.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { CryptoClient } from "./crypto-client.ts";
import type { DeviceSync, KeyRequest } from "./simulated-key-server.ts";
import { takeLease } from "./lease.ts";

/** The place of a database, in a form that another process can get. */
export type DatabasePlace =
  { readonly kind: "embedded"; readonly directory: string } | { readonly kind: "postgres"; readonly url: string };

/** The ghost that the process runs, and its peer. */
export interface GhostOptions {
  readonly place: DatabasePlace;
  readonly user: string;
  readonly device: string;
  /** 32 bytes, base64. */
  readonly key: string;
  readonly room: string;
  readonly peer: string;
}

/** A message of the process: a question, answered under its id, or a report of a sent event, without an answer. */
export type FromGhost =
  | { readonly kind: "request"; readonly id: number; readonly request: KeyRequest }
  | { readonly kind: "sync"; readonly id: number; readonly since: number }
  /** Asks for the peer's messages after the first `from`. */
  | { readonly kind: "messages"; readonly id: number; readonly from: number }
  | { readonly kind: "event"; readonly content: string };

/** An answer to the question of that id. */
export interface ToGhost {
  readonly id: number;
  readonly answer: unknown;
}

/** Opens the database at a place. */
export function openPlace(place: DatabasePlace): Promise<Database> {
  return place.kind === "embedded"
    ? openEmbedded(place.directory)
    : Promise.resolve(openPostgres(place.url, silentLogger()));
}

/**
 * A ghost that reads and writes without end in a separate process, so that a test can kill it. Its homeserver and its
 * peer live in the parent.
 */
async function run(options: GhostOptions): Promise<never> {
  const waiting = new Map<number, (answer: unknown) => void>();
  let questions = 0;
  const ask = (question: (id: number) => FromGhost): Promise<unknown> =>
    new Promise((resolve) => {
      const id = ++questions;
      waiting.set(id, resolve);
      process.send?.(question(id));
    });
  process.on("message", ({ id, answer }: ToGhost) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  // The parent is gone.
  process.on("disconnect", () => process.exit());

  const { user, device, room, peer } = options;
  const database = await openPlace(options.place);
  const session = await createCryptoStore(database, silentLogger()).open(await takeLease(database, user), device);
  const ghost = await CryptoClient.open(
    { user, device, store: session.name, key: Buffer.from(options.key, "base64") },
    {
      request: async (request) => JSON.stringify(await ask((id) => ({ kind: "request", id, request }))),
      sync: async (since) => (await ask((id) => ({ kind: "sync", id, since }))) as DeviceSync,
    },
  );
  for (let read = 0, written = 0; ; written++) {
    // The messages before the sync, because a key is sent before the messages that it encrypts.
    const messages = (await ask((id) => ({ kind: "messages", id, from: read }))) as string[];
    await ghost.sync();
    for (const content of messages) await ghost.decrypt(room, peer, content);
    read += messages.length;
    const content = await ghost.encrypt(room, [user, peer], `${process.pid}: ${written}`);
    process.send?.({ kind: "event", content } satisfies FromGhost);
  }
}

if (import.meta.main) await run(JSON.parse(process.argv[2] ?? "") as GhostOptions);
