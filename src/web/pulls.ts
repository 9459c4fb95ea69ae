import type { Actor } from "../audit/audit-entry.ts";
import { beginPull, type PullRequest } from "../agents/pull.ts";
import type { Logger } from "../observability/log.ts";
import { ProviderError, type Installer, type PullProgress } from "../providers/provider.ts";

/** The most installations at once, and the most that are remembered. */
const MOST_RUNNING = 4;
const MOST_KEPT = 20;

/** An installation that was begun on the page. */
export interface PagePull {
  readonly provider: string;
  readonly model: string;
  readonly state:
    | { readonly kind: "running"; readonly status: string; readonly percent: number | undefined }
    | { readonly kind: "done" }
    /** In words, without anybody's own. */
    | { readonly kind: "failed"; readonly reason: string };
}

/** The parts that installations need. */
export interface PagePullsOptions {
  readonly note: PullRequest["note"];
  /** Called when a model is installed. */
  readonly installed: () => void;
  readonly log: Logger;
}

/** An installation whose state goes on. */
type Following = Omit<PagePull, "state"> & { state: PagePull["state"] };

/** The models that people have installed on the page. They do not survive a restart: asked again, the server continues. */
export class PagePulls {
  readonly #options: PagePullsOptions;
  readonly #stopping = new AbortController();
  readonly #pulls: Following[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(options: PagePullsOptions) {
    this.#options = options;
  }

  /** The newest first. */
  get all(): readonly PagePull[] {
    return this.#pulls;
  }

  /**
   * Begins an installation, and returns when that is noted. False where too many run, or this one does. Throws the error of
   * noting it.
   */
  async begin(provider: Installer, model: string, by: Actor): Promise<boolean> {
    const isSame = this.#pulls.some(
      (pull) => pull.state.kind === "running" && pull.provider === provider.name && pull.model === model,
    );
    if (isSame || this.#running.size >= MOST_RUNNING || this.#stopping.signal.aborted) return false;
    const { note } = this.#options;
    const progress = await beginPull({ provider, model, by, note, signal: this.#stopping.signal });
    const running = this.#follow(provider.name, model, progress).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return true;
  }

  /** Stops them. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#running);
  }

  /** Never rejects. */
  async #follow(provider: string, model: string, progress: AsyncIterable<PullProgress>): Promise<void> {
    const pull: Following = { provider, model, state: runningState({ status: "" }) };
    this.#pulls.unshift(pull);
    this.#pulls.length = Math.min(this.#pulls.length, MOST_KEPT);
    const { installed, log } = this.#options;
    try {
      for await (const step of progress) pull.state = runningState(step);
      pull.state = { kind: "done" };
      log.info({ provider, model }, "model installed");
      installed();
    } catch (error) {
      const reason = error instanceof ProviderError ? error.message : "";
      pull.state = { kind: "failed", reason };
      if (!this.#stopping.signal.aborted) log.warn({ error, provider, model }, "model not installed");
    }
  }
}

function runningState({ status, completed, total }: Partial<PullProgress> & { status: string }): PagePull["state"] {
  const isKnown = completed !== undefined && total !== undefined && total > 0;
  return {
    kind: "running",
    status,
    percent: isKnown ? Math.min(100, Math.floor((completed / total) * 100)) : undefined,
  };
}
