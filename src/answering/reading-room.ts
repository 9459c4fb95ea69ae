import { FairQueue } from "../concurrency/fair-queue.ts";

/** So many files are fetched or read in the process at once, and so many documents in processes of their own. */
const FILES_AT_ONCE = 4;
const DOCUMENTS_AT_ONCE = 2;

/**
 * Where files are read: so many at once in the process, and of one person one after the other, so that whose files are slow
 * waits alone.
 */
export class ReadingRoom {
  readonly files = new FairQueue(FILES_AT_ONCE, { each: 1 });
  readonly documents = new FairQueue(DOCUMENTS_AT_ONCE, { each: 1 });
}
