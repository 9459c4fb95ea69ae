import type * as engine from "@matrix-org/matrix-sdk-crypto-wasm";

/** Room keys that have come into a device's store and that nobody has been told of yet. */
export class ArrivedKeys {
  readonly #sessionIds: string[] = [];
  readonly #tell: (sessionIds: readonly string[]) => Promise<void>;

  /** @param tell is told of them; they are kept until it resolves, because the engine tells of a key only once. */
  constructor(machine: engine.OlmMachine, tell: (sessionIds: readonly string[]) => Promise<void>) {
    this.#tell = tell;
    machine.registerRoomKeyUpdatedCallback((keys) => {
      this.#sessionIds.push(...keys.map((key) => key.sessionId));
      return Promise.resolve();
    });
  }

  /** Tells of all that have come until now. Rejects with what the one who is told rejects with. */
  async tell(): Promise<void> {
    const sessionIds = [...this.#sessionIds];
    if (sessionIds.length === 0) return;
    await this.#tell(sessionIds);
    this.#sessionIds.splice(0, sessionIds.length);
  }
}
