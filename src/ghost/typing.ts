import { KeyedSerial } from "../concurrency/serial.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { typing } from "../homeserver/room-calls.ts";
import type { Background } from "../concurrency/background.ts";

/** The server ends a typing notice by itself after this time, so none outlives a crash for long. */
const TIMEOUT_MS = 30_000;
const RENEW_MS = 20_000;

/** The typing notices of one ghost: renewed while it works, ended when it is done. */
export class Typing {
  readonly #client: HomeserverClient;
  readonly #userId: string;
  readonly #background: Background;
  /** An end that overtook its beginning would leave the agent typing after its answer. */
  readonly #order = new KeyedSerial();
  readonly #renewals = new Map<string, { timer: NodeJS.Timeout; users: number }>();

  constructor(client: HomeserverClient, userId: string, background: Background) {
    this.#client = client;
    this.#userId = userId;
    this.#background = background;
  }

  /** Shows typing; the returned function ends it, unless another caller still shows it. */
  start(roomId: string): () => void {
    const current = this.#renewals.get(roomId);
    if (current === undefined) {
      this.#tell(roomId, true);
      const timer = setInterval(() => {
        this.#tell(roomId, true);
      }, RENEW_MS);
      timer.unref();
      this.#renewals.set(roomId, { timer, users: 1 });
    } else {
      current.users++;
    }
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const renewal = this.#renewals.get(roomId);
      if (renewal === undefined || --renewal.users > 0) return;
      clearInterval(renewal.timer);
      this.#renewals.delete(roomId);
      this.#tell(roomId, false);
    };
  }

  /** Ends all typing notices. */
  stop(): void {
    for (const [roomId, { timer }] of this.#renewals) {
      clearInterval(timer);
      this.#tell(roomId, false);
    }
    this.#renewals.clear();
  }

  #tell(roomId: string, isTyping: boolean): void {
    this.#background.run("typing notice", () =>
      this.#order.run(roomId, () => typing(this.#client, { userId: this.#userId }, roomId, isTyping ? TIMEOUT_MS : 0)),
    );
  }
}
