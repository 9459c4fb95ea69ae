import type { Response } from "express";
import { setTimeout as sleep } from "node:timers/promises";

/** The most open pages; each looks at the database every few seconds. */
const MOST_OPEN = 50;

/** The time after which a page beyond those asks again, in ms. */
const LATER_MS = 15_000;

/** What a page is told: the view as it is now, that the session has ended, or nothing: then it says that the bridge is away. */
export type Look =
  { readonly kind: "view"; readonly html: string } | { readonly kind: "ended" } | { readonly kind: "away" };

/** The open pages, each told of changes by server-sent events (HTML, 9.2 "Server-sent events"). */
export class LivePages {
  readonly #stopping = new AbortController();
  #open = 0;

  /**
   * Tells one page until it goes, the session ends, or the bridge stops. Never rejects.
   *
   * @param everyMs the time between two looks.
   * @param look draws the view. Never rejects.
   */
  async tell(response: Response, everyMs: number, look: () => Promise<Look>): Promise<void> {
    if (this.#stopping.signal.aborted) {
      response.status(503).end();
      return;
    }
    const isOneTooMany = this.#open >= MOST_OPEN;
    this.#open += 1;
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    response.status(200).type("text/event-stream").set("X-Accel-Buffering", "no").flushHeaders();
    try {
      if (isOneTooMany) await this.#tellOnce(response, look);
      else await this.#follow(response, everyMs, look, AbortSignal.any([gone.signal, this.#stopping.signal]));
    } finally {
      this.#open -= 1;
      // A browser that takes nothing would never see the end.
      if (response.writableNeedDrain) response.destroy();
      else response.end();
    }
  }

  /** Ends all: the pages ask again, and say meanwhile that the bridge is away. */
  stop(): void {
    this.#stopping.abort();
  }

  async #follow(response: Response, everyMs: number, look: () => Promise<Look>, ended: AbortSignal): Promise<void> {
    let shown: string | undefined;
    response.write(event("every", String(everyMs)));
    do {
      const seen = await look();
      if (seen.kind === "away") return;
      if (seen.kind === "ended") {
        response.write(event("ended", ""));
        return;
      }
      // What nobody takes would pile up here.
      if (response.writableNeedDrain) return;
      response.write(seen.html === shown ? event("same", "") : event("view", seen.html));
      shown = seen.html;
    } while (await isLeft(everyMs, ended));
  }

  /** A page beyond the most that can be open asks now and then. */
  async #tellOnce(response: Response, look: () => Promise<Look>): Promise<void> {
    const seen = await look();
    if (seen.kind === "view") response.write(event("view", seen.html) + event("later", String(LATER_MS)));
    if (seen.kind === "ended") response.write(event("ended", ""));
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
