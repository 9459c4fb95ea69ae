/**
 * Transactions that Synapse has stranded. It notes a transaction before it sends it, and that we are down after it could
 * not; when it ends between the two, it takes us for up at its next start and never looks at that transaction again, until
 * one fails. (`_TransactionController.send` in its appservice/scheduler.py.) So whenever it may have restarted, one
 * transaction is refused: then it goes through all it has for us, oldest first, and the one that was refused comes again.
 */
export class StrandedTransactions {
  #suspected = true;

  /** The homeserver may have restarted. */
  suspect(): void {
    this.#suspected = true;
  }

  /** Whether the transaction that has just come is to be refused. True once for every suspicion. */
  takeSuspicion(): boolean {
    const suspected = this.#suspected;
    this.#suspected = false;
    return suspected;
  }
}
