import type { Logger } from "../observability/log.ts";
import { pause } from "./retry.ts";

/** When the homeserver is asked for the transactions it has, after one was refused, in ms: it is not ready for it at once. */
const ASK_AFTER_MS = [50, 150, 500];

/**
 * Transactions that Synapse has stranded. It notes a transaction before it sends it, and that we are down after it could
 * not; when it ends between the two, it takes us for up at its next start and never looks at that transaction again, until
 * one fails. (`_TransactionController.send` in its appservice/scheduler.py.) So whenever it may have restarted, one
 * transaction is refused: then it goes through all it has for us, oldest first, and the one that was refused comes again.
 */
export class StrandedTransactions {
  readonly #ask: () => Promise<unknown>;
  readonly #log: Logger;
  #suspected = true;
  #admitted = 0;

  /** @param ask pings the homeserver, which makes it send at once what it would send again after a while. */
  constructor(ask: () => Promise<unknown>, log: Logger) {
    this.#ask = ask;
    this.#log = log;
  }

  /** The homeserver may have restarted. */
  suspect(): void {
    this.#suspected = true;
  }

  /** Whether a transaction that has come is to be taken. False once for every suspicion; then call {@link retrieve}. */
  admits(txnId: string): boolean {
    if (!this.#suspected) {
      this.#admitted++;
      return true;
    }
    this.#suspected = false;
    this.#log.info({ txn: txnId }, "refusing a transaction, so that the homeserver looks for stranded ones first");
    return false;
  }

  /** Has the homeserver send at once what it holds, the refused transaction among it. Throws the signal's reason. */
  async retrieve(signal: AbortSignal): Promise<void> {
    const before = this.#admitted;
    for (const waitMs of ASK_AFTER_MS) {
      await pause(waitMs, signal);
      if (this.#admitted > before) return;
      await this.#ask();
    }
  }
}
