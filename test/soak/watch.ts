import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "../faults/world.ts";
import { Sampler, type Sample } from "./sample.ts";

/** A full collection stops the process for less than this. */
const COLLECTING_MS = 1_500;

/** Takes samples of a world's bridge, whichever process that is. */
export class Watch {
  readonly samples: Sample[] = [];
  readonly #world: World;
  readonly #monitoringPort: number;
  readonly #sampler: Sampler;
  readonly #started = performance.now();
  readonly #ending = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #life = 0;
  #readySince = performance.now();

  private constructor(world: World, monitoringPort: number, sampler: Sampler) {
    this.#world = world;
    this.#monitoringPort = monitoringPort;
    this.#sampler = sampler;
  }

  /** Begins to sample. */
  static async begin(
    world: World,
    options: { readonly monitoringPort: number; readonly everyMs: number },
  ): Promise<Watch> {
    const watch = new Watch(
      world,
      options.monitoringPort,
      await Sampler.open(world.deployment.settings.database ?? ""),
    );
    watch.#watching = watch.#keepLooking(options.everyMs);
    return watch;
  }

  /** Since the begin. */
  get minutes(): number {
    return (performance.now() - this.#started) / 60_000;
  }

  /** A new process of the bridge is ready. */
  restarted(): void {
    this.#life++;
    this.#readySince = performance.now();
  }

  /** Has the process collect its garbage, and takes a sample of what it keeps. */
  async lookAtKept(): Promise<void> {
    process.kill(this.#world.deployment.bridge.pid, "SIGUSR2");
    await sleep(COLLECTING_MS);
    await this.#look({ isCollected: true });
  }

  async end(): Promise<void> {
    this.#ending.abort();
    await this.#watching;
    await this.#sampler.close();
  }

  async #keepLooking(everyMs: number): Promise<void> {
    while (!this.#ending.signal.aborted) {
      await this.#look({ isCollected: false });
      await sleep(everyMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
    }
  }

  async #look({ isCollected }: Pick<Sample, "isCollected">): Promise<void> {
    const life = this.#life;
    const seen = await this.#sampler.look({
      pid: this.#world.deployment.bridge.pid,
      monitoringPort: this.#monitoringPort,
    });
    // A process that ended meanwhile was seen in part.
    if (seen === undefined || life !== this.#life) return;
    const now = performance.now();
    this.samples.push({
      ...seen,
      isCollected,
      life,
      minutes: (now - this.#started) / 60_000,
      ageSeconds: (now - this.#readySince) / 1_000,
      answered: this.#world.ledger.answered,
    });
  }
}
