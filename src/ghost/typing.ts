import { KeyedSerial } from "../concurrency/serial.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { typing } from "../homeserver/room-calls.ts";
import type { Background } from "../concurrency/background.ts";

/** The server ends a typing notice by itself after this time, so none outlives a crash for long. */
const TIMEOUT_MS = 30_000;
const RENEW_MS = 20_000;

/** A shorter work ends before anybody reads that it is under way; showing it would cost two calls for nothing. */
const SHOWN_AFTER_MS = 1_000;

/** The work of a ghost in a room, and whether it is shown yet. */
interface Work {
  users: number;
  shown:
    | { readonly kind: "not_yet"; readonly timer: NodeJS.Timeout }
    | { readonly kind: "shown"; readonly renewal: NodeJS.Timeout };
}

/** The typing notices of one ghost: shown when its work takes a moment, renewed while it works, ended when it is done. */
export class Typing {
  readonly #client: HomeserverClient;
  readonly #userId: string;
  readonly #background: Background;
  /** An end that overtook its beginning would leave the agent typing after its answer. */
  readonly #order = new KeyedSerial();
  readonly #works = new Map<string, Work>();

  constructor(client: HomeserverClient, userId: string, background: Background) {
    this.#client = client;
    this.#userId = userId;
    this.#background = background;
  }

  /** Shows typing after a moment; the returned function ends it, unless another caller still works there. */
  start(roomId: string): () => void {
    const current = this.#works.get(roomId);
    if (current === undefined) {
      const timer = setTimeout(() => this.#show(roomId), SHOWN_AFTER_MS);
      timer.unref();
      this.#works.set(roomId, { users: 1, shown: { kind: "not_yet", timer } });
    } else {
      current.users++;
    }
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const work = this.#works.get(roomId);
      if (work !== undefined && --work.users === 0) this.#end(roomId, work);
    };
  }

  /** Ends all typing notices. */
  stop(): void {
    for (const [roomId, work] of this.#works) this.#end(roomId, work);
  }

  #show(roomId: string): void {
    const work = this.#works.get(roomId);
    if (work === undefined) return;
    this.#tell(roomId, true);
    const renewal = setInterval(() => this.#tell(roomId, true), RENEW_MS);
    renewal.unref();
    work.shown = { kind: "shown", renewal };
  }

  #end(roomId: string, { shown }: Work): void {
    this.#works.delete(roomId);
    switch (shown.kind) {
      case "not_yet":
        clearTimeout(shown.timer);
        return;
      case "shown":
        clearInterval(shown.renewal);
        this.#tell(roomId, false);
    }
  }

  #tell(roomId: string, isTyping: boolean): void {
    this.#background.run("typing notice", () =>
      this.#order.run(roomId, () => typing(this.#client, { userId: this.#userId }, roomId, isTyping ? TIMEOUT_MS : 0)),
    );
  }
}
