import type { Response } from "express";
import { setTimeout as sleep } from "node:timers/promises";

/** The most open pages; each looks at the database every few seconds. */
const MOST_OPEN = 50;

/** What a page is told: the view as it is now, or that the session has ended. */
export type Look = { readonly kind: "view"; readonly html: string } | { readonly kind: "ended" };

/** The open pages, each told of changes by server-sent events (HTML, 9.2 "Server-sent events"). */
export class LivePages {
  readonly #stopping = new AbortController();
  #open = 0;

  /**
   * Tells one page until it goes, the session ends, or the bridge stops. Never rejects.
   *
   * @param everyMs the time between two looks.
   * @param look draws the view. When it throws, the page keeps what it has and is told nothing: then it says that the bridge is away.
   */
  async tell(response: Response, everyMs: number, look: () => Promise<Look>): Promise<void> {
    if (this.#open >= MOST_OPEN || this.#stopping.signal.aborted) {
      response.status(503).end();
      return;
    }
    this.#open += 1;
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    response.status(200).type("text/event-stream").set("X-Accel-Buffering", "no").flushHeaders();
    try {
      await this.#follow(response, everyMs, look, AbortSignal.any([gone.signal, this.#stopping.signal]));
    } finally {
      this.#open -= 1;
      response.end();
    }
  }

  /** Ends all: the pages ask again, and say meanwhile that the bridge is away. */
  stop(): void {
    this.#stopping.abort();
  }

  async #follow(response: Response, everyMs: number, look: () => Promise<Look>, ended: AbortSignal): Promise<void> {
    let shown: string | undefined;
    do {
      // Where the database is away the page says that the bridge does not answer, and asks again by itself.
      const seen = await look().catch(() => undefined);
      if (seen === undefined) return;
      if (seen.kind === "ended") {
        response.write(event("ended", ""));
        return;
      }
      response.write(seen.html === shown ? event("same", "") : event("view", seen.html));
      shown = seen.html;
    } while (await isLeft(everyMs, ended));
  }
}

/** Waits; false where nobody is told any more. */
function isLeft(ms: number, ended: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal: ended }).catch(() => false);
}

function event(name: string, data: string): string {
  return `event: ${name}\n${data
    .split("\n")
    .map((line) => `data: ${line}\n`)
    .join("")}\n`;
}
