import type { Database } from "../database/database.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../sealing/seals.ts";
import { FILE_CONTEXT } from "./read-files.ts";
import type { RememberedMessage } from "./remembered-message.ts";
import { COLUMNS, openMessages, type MessageRow } from "./sealed-messages.ts";

/** A search of the memory that a ghost has of one room. */
export interface Wanted {
  readonly ghost: string;
  readonly roomId: string;
  /** The words, all of which must be in a message or its file. */
  readonly words: readonly string[];
  /** The question's position: nothing from there on is looked at. */
  readonly before: number;
  /** Whether messages that came encrypted are looked at. */
  readonly encrypted: boolean;
}

/** A message in which the words are. */
export interface Hit {
  readonly message: RememberedMessage;
  /** The text of its file, where that has the words. */
  readonly file?: string;
}

/** The hits, the newest first, and how far the search went. */
export interface Found {
  readonly hits: readonly Hit[];
  /** Whether a bound ended it before the oldest message. */
  readonly isPartial: boolean;
}

/** The messages that are read and opened at once, with their files: between two such pages other work gets its turn. */
const PAGE = 50;

/** The bounds of a search. */
export interface SearchBounds {
  readonly hits: number;
  readonly rows: number;
  /** Of decrypted text. */
  readonly characters: number;
  readonly ms: number;
}

const BOUNDS: SearchBounds = { hits: 12, rows: 10_000, characters: 20_000_000, ms: 5_000 };

/**
 * Searches the messages of a room that an agent remembers, and their files. Each is decrypted for the search and not kept;
 * there is no index, which would hold its words.
 */
export class RoomSearch {
  readonly #database: Database;
  readonly #seals: Seals;
  readonly #keptSince: (roomId: string) => Promise<number>;

  /** @param keptSince the time (ms since 1970) from which messages of a room are still kept. */
  constructor(database: Database, seals: Seals, keptSince: (roomId: string) => Promise<number>) {
    this.#database = database;
    this.#seals = seals;
    this.#keptSince = keptSince;
  }

  /** Throws DatabaseError, MasterKeyError, and the signal's reason. */
  async find(wanted: Wanted, signal: AbortSignal, bounds: SearchBounds = BOUNDS): Promise<Found> {
    const words = wanted.words.map(comparable);
    const since = await this.#keptSince(wanted.roomId);
    const deadline = performance.now() + bounds.ms;
    const hits: Hit[] = [];
    let [rows, characters, before] = [0, 0, wanted.before];
    for (;;) {
      signal.throwIfAborted();
      const page = await this.#page(wanted, since, before);
      if (page.last === undefined) return { hits, isPartial: false };
      for (const { message, file } of page.messages) {
        const inFile = file !== undefined && hasAll(file, words);
        if (inFile || hasAll(message.body, words)) hits.push({ message, ...(inFile ? { file } : {}) });
        characters += message.body.length + (file?.length ?? 0);
        if (hits.length === bounds.hits || characters >= bounds.characters) return { hits, isPartial: true };
      }
      rows += PAGE;
      if (rows >= bounds.rows || performance.now() >= deadline) return { hits, isPartial: true };
      before = page.last;
    }
  }

  /** The next older messages, the newest first, without those that can't be opened. */
  async #page({ ghost, roomId, encrypted }: Wanted, since: number, before: number): Promise<Page> {
    const { rows } = await this.#database.query<MessageRow & { position: number }>(
      `select position, ${COLUMNS} from messages
       where ghost = $1 and room_id = $2 and position < $3 and not only_quoted and sender <> ''
         and ($4 or not came_encrypted) and sent_at >= $5
       order by position desc limit ${PAGE}`,
      [ghost, roomId, before, encrypted, since],
    );
    if (rows.length === 0) return { messages: [], last: undefined };
    const opened = new Map((await openMessages(this.#seals, ghost, rows)).map((message) => [message.eventId, message]));
    const files = await this.#files(ghost, rows);
    const messages = rows.flatMap(({ position, event_id: eventId }) => {
      const message = opened.get(eventId);
      return message === undefined ? [] : [{ message, file: files.get(position) }];
    });
    return { messages, last: rows.at(-1)?.position };
  }

  /** The texts of messages' files, as far as they were read, by the messages' positions. */
  async #files(
    ghost: string,
    messages: readonly { readonly position: number; readonly event_id: string; readonly attachment: string | null }[],
  ): Promise<ReadonlyMap<number, string>> {
    const events = new Map(
      messages.filter(({ attachment }) => attachment !== null).map(({ position, event_id: id }) => [position, id]),
    );
    if (events.size === 0) return new Map();
    const found = await this.#database.query<SealedRow & { position: number; body: string }>(
      "select position, body, sealed_by from read_files where position = any($1::bigint[]) and body is not null",
      [[...events.keys()]],
    );
    const { rows, open } = await this.#seals.open(found.rows);
    return new Map(
      rows.flatMap((row) => {
        const text = unlessBroken(() => open(row, row.body, FILE_CONTEXT, ghost, events.get(row.position) ?? ""));
        return text === undefined ? [] : [[row.position, text] as const];
      }),
    );
  }
}

interface Page {
  readonly messages: readonly { readonly message: RememberedMessage; readonly file: string | undefined }[];
  /** The position of its oldest row; undefined where it has none. */
  readonly last: number | undefined;
}

/** A text in the form in which words are looked for: some systems write `é` as two characters. */
function comparable(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

function hasAll(text: string, words: readonly string[]): boolean {
  const inText = comparable(text);
  return words.every((word) => inText.includes(word));
}
