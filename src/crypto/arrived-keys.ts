import type * as engine from "@matrix-org/matrix-sdk-crypto-wasm";

/** Room keys that have come into a device's store and not been reported yet. */
export class ArrivedKeys {
  readonly #sessionIds: string[] = [];
  readonly #tell: (sessionIds: readonly string[]) => Promise<void>;

  /** @param tell is given their session ids. They are kept until it resolves: the engine reports a key only once. */
  constructor(machine: engine.OlmMachine, tell: (sessionIds: readonly string[]) => Promise<void>) {
    this.#tell = tell;
    machine.registerRoomKeyUpdatedCallback((keys) => {
      this.#sessionIds.push(...keys.map((key) => key.sessionId));
      return Promise.resolve();
    });
  }

  /** Reports all keys that have come so far. Rejects with the error of `tell`. */
  async tell(): Promise<void> {
    const sessionIds = [...this.#sessionIds];
    if (sessionIds.length === 0) return;
    await this.#tell(sessionIds);
    this.#sessionIds.splice(0, sessionIds.length);
  }
}
