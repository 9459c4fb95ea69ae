import { FairQueue } from "../concurrency/fair-queue.ts";

/** The most files fetched or read in the process at once, and the most documents read in separate processes. */
const FILES_AT_ONCE = 4;
const DOCUMENTS_AT_ONCE = 2;

/**
 * Limits the reading of files: a number at once in the process, and one at a time for each person, so that a person
 * with slow files waits alone.
 */
export class ReadingRoom {
  readonly files = new FairQueue(FILES_AT_ONCE, { each: 1 });
  readonly documents = new FairQueue(DOCUMENTS_AT_ONCE, { each: 1 });
}
