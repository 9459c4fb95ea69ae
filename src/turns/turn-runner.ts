import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../database/database.ts";
import type { Lease } from "../leases/leases.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { reached } from "../observability/steps.ts";
import { AT_WORK, type AtWork } from "./at-work.ts";
import { Delivery } from "./delivery.ts";
import { Draft } from "./draft.ts";
import { withinBudget, type CallBudget } from "./call-budget.ts";
import { takeSteps, type Waits } from "./step-loop.ts";
import { stepsToGoOn, stoppedReply, TurnStepWork } from "./step-work.ts";
import { FIRST_STEP, lastEnd, type TurnStep } from "./turn-step.ts";
import type { AnswerAttempt, Drafting, TurnWork } from "./turn-work.ts";
import { conversationOf, idsOfTurn, TurnStopped, type Turn, type TurnReply } from "./turn.ts";
import { justQueued, type OpenTurn } from "./turn-queue.ts";
import type { TurnStore } from "./turn-store.ts";

/** The time limits of turns, in ms, and their most number at once. */
export interface TurnLimits {
  /** The time in the queue, after which a turn is no longer asked and says so. */
  readonly maxWaitMs: number;
  /** The time with the model. */
  readonly maxDurationMs: number;
  /** The time for which an unreachable model server is retried before the room is told. */
  readonly retryForMs: number;
  readonly calls: CallBudget;
  /** The time for people to decide about calls of tools. */
  readonly approvalMs: number;
  /** By default {@link AT_WORK}. */
  readonly atWork?: AtWork;
}

export interface TurnRunnerOptions {
  readonly database: Database;
  readonly store: TurnStore;
  /** The process whose ghosts' turns run here. */
  readonly process: number;
  /** Read anew each time. */
  readonly limits: () => TurnLimits;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}

/** A turn at work. */
interface Running {
  readonly ghost: string;
  readonly asker: string;
  readonly turn: number;
  readonly isDeclined: boolean;
  readonly done: Promise<void>;
}

/**
 * A turn that began this often without an answer fails, and so does one whose answer was begun to be sent this often:
 * the process ended each time. The number exceeds three, because a process that is killed from outside again and again
 * says little about its work.
 */
const MAX_TURN_ATTEMPTS = 5;

/** The step at which a turn's draft is sent. */
export const DRAFT_STEP = "draft";

/** The step of the first message of a reply. */
export const ANSWER_STEP = "answer.0";

/** The longest time that Node can wait, in ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The wait of a turn after the server or the database failed, in ms. */
const RETRY_MS = 2_000;

/**
 * Runs the turns: those of one conversation one after the other, different conversations side by side. The rows are the
 * queue; this object holds only the running turns.
 */
export class TurnRunner {
  readonly #options: TurnRunnerOptions;
  readonly #store: TurnStore;
  readonly #log: Logger;
  /** By conversation. */
  readonly #running = new Map<string, Running>();
  /** Ends the answer of a running turn. */
  readonly #stops = new Map<number, AbortController>();
  /** Aborted when no more turns may begin. */
  readonly #draining = new AbortController();
  /** Aborted when running turns are given up. */
  readonly #stopping = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  /** The number of looks that have not ended. */
  #looks = 0;
  /** Whether a turn may be open that does not run: a new one is told by a kick. */
  #mayWait = true;
  /** Looks again when the time of the first waiting turn is over. */
  #nextLook: NodeJS.Timeout | undefined;
  #started: { readonly work: TurnWork; readonly delivery: Delivery } | undefined;

  constructor(options: TurnRunnerOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#log = options.log;
  }

  /** Starts to run turns with these surroundings; before that, a kick does nothing. Called once. */
  start(work: TurnWork): void {
    this.#started = { work, delivery: new Delivery(work, this.#options, this.#stopping.signal) };
  }

  /**
   * A turn was queued, and no other one of its conversation is open: it begins at once, unless others may wait before it.
   */
  queued(turn: Turn): void {
    if (this.#mayBegin(turn)) this.#take(justQueued(turn));
    else this.kick();
  }

  /** Looks for turns that can run, including those that a former process left; called whenever there may be one. */
  kick(): void {
    this.#looks++;
    this.#looking = this.#looking
      .then(() => this.#look())
      .finally(() => {
        this.#looks--;
      })
      .catch(async (error: unknown) => {
        if (this.#draining.signal.aborted) return;
        this.#log.warn({ error }, "the turns could not be read; trying again");
        await this.#pause();
        this.kick();
      });
  }

  /** Ends the answers of these turns, if they run here. */
  stopTurns(ids: readonly number[], how: { readonly keeps: boolean }): void {
    for (const id of ids) {
      const stop = this.#stops.get(id) ?? new AbortController();
      // A turn that is just beginning finds it.
      this.#stops.set(id, stop);
      stop.abort(new TurnStopped(how));
    }
  }

  /** Whether a turn of this ghost is running. */
  isBusy(ghost: string): boolean {
    return [...this.#running.values()].some((running) => running.ghost === ghost);
  }

  /**
   * Stops: no more turns begin, running ones may finish within `drainMs`, and the rest are given up and stay in the
   * database for the next start.
   */
  async stop(drainMs = 0): Promise<void> {
    this.#draining.abort();
    clearTimeout(this.#nextLook);
    const drained = (async (): Promise<void> => {
      await this.#looking;
      await Promise.allSettled([...this.#running.values()].map((running) => running.done));
    })();
    await Promise.race([drained, sleep(drainMs, undefined, { ref: false })]);
    this.#stopping.abort();
    await drained;
  }

  get #work(): TurnWork {
    return this.#parts.work;
  }

  get #delivery(): Delivery {
    return this.#parts.delivery;
  }

  get #parts(): { readonly work: TurnWork; readonly delivery: Delivery } {
    if (this.#started === undefined) throw new Error("the turn runner was not started");
    return this.#started;
  }

  async #look(): Promise<void> {
    if (this.#draining.signal.aborted || this.#started === undefined) return;
    const { process, limits } = this.#options;
    const running = [...this.#running.values()].map(({ turn }) => turn);
    this.#mayWait = true;
    const { turns, isAll, nextInMs } = await this.#store.queue.due(process, running, limits().atWork);
    this.#mayWait = !isAll;
    clearTimeout(this.#nextLook);
    if (nextInMs !== undefined)
      this.#nextLook = setTimeout(() => this.kick(), Math.min(nextInMs + 1, LONGEST_TIMER_MS)).unref();
    for (const open of turns) this.#take(open);
  }

  /** Whether a turn can begin without a look: as far as known, no other one waits, and there is a place for it. */
  #mayBegin(turn: Turn): boolean {
    if (this.#draining.signal.aborted || this.#started === undefined) return false;
    if (this.#looks > 0 || this.#mayWait || this.#running.has(conversationOf(turn))) return false;
    const { all, ofGhost, ofAsker } = this.#options.limits().atWork ?? AT_WORK;
    const atWork = [...this.#running.values()].filter(({ isDeclined }) => !isDeclined);
    return (
      atWork.length < all &&
      atWork.filter(({ ghost }) => ghost === turn.ghost).length < ofGhost &&
      atWork.filter(({ asker }) => asker === turn.asker).length < ofAsker
    );
  }

  /** Runs a turn, unless its conversation is busy. */
  #take(open: OpenTurn): void {
    const { id, ghost, asker } = open.turn;
    const isDeclined = open.state === "sending" && open.isDeclined;
    const conversation = isDeclined ? `declined ${id}` : conversationOf(open.turn);
    if (this.#running.has(conversation)) {
      this.#mayWait = true;
      return;
    }
    const done = this.#run(open)
      .catch(async (error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        this.#log.warn({ ...idsOfTurn(open.turn), error }, "the turn was interrupted and is tried again");
        await this.#pause(this.#work.retryAfterMs(error));
        // Not before: a look during the pause counts this turn as running, and may find that no other waits.
        this.#mayWait = true;
      })
      .finally(() => {
        this.#running.delete(conversation);
        if (this.#mayWait) this.kick();
      });
    this.#running.set(conversation, { ghost, asker, turn: id, isDeclined, done });
  }

  async #run(open: OpenTurn): Promise<void> {
    const { turn } = open;
    const { lease, end } = await this.#work.begin(turn);
    const started = performance.now();
    try {
      const isEnded = open.state === "queued" ? await this.#answer(lease, open) : await this.#resume(lease, open);
      if (!isEnded) return;
      const { metrics } = this.#options;
      metrics?.turnDuration.observe({ agent: metrics.agent(turn.ghost) }, (performance.now() - started) / 1000);
    } finally {
      end();
    }
  }

  /** Sends a reply whose sending was interrupted. False when that happened too often, which ends the turn. */
  async #resume(lease: Lease, open: Extract<OpenTurn, { state: "sending" }>): Promise<boolean> {
    if ((await this.#store.resume(lease, open.turn)) < MAX_TURN_ATTEMPTS) {
      await this.#delivery.deliver(lease, open.turn, open.reply);
      return true;
    }
    this.#log.error(idsOfTurn(open.turn), "the answer ended the process at every attempt to send it, and is given up");
    await this.#delivery.endUnsent(lease, open.turn);
    return false;
  }

  /** `queued` → `running` → `sending` → its end. False when the turn was cancelled, or waits for a person. */
  async #answer(lease: Lease, open: Extract<OpenTurn, { state: "queued" }>): Promise<boolean> {
    const { turn } = open;
    // Read meanwhile, because it changes nothing. Its failure is told where it is waited for.
    const attempting = this.#work.attempt(turn);
    attempting.catch(() => undefined);
    if (!(await this.#store.start(lease, turn))) return false;
    reached("turn.started");
    const { metrics } = this.#options;
    if (!open.hasBegun) metrics?.turnWait.observe({ agent: metrics.agent(turn.ghost) }, open.ageMs / 1000);
    const started = performance.now();
    const stop = this.#stops.get(turn.id) ?? new AbortController();
    this.#stops.set(turn.id, stop);
    if (open.isStopped) stop.abort(new TurnStopped({ keeps: true }));
    const steps: TurnStep[] = [FIRST_STEP];
    let reply: TurnReply | Waits;
    try {
      if (open.hasBegun) steps.splice(0, 1, ...(await stepsToGoOn(this.#store.steps, open, this.#work)));
      reply = await this.#respondShown(lease, open, await attempting, steps, stop.signal);
    } catch (error) {
      // This is no failure of the model (which would be a reply): the database, the server, or this process is
      // stopping.
      if (this.#work.retryAfterMs(error) !== undefined || this.#stopping.signal.aborted) {
        await this.#store.putBack(lease, turn);
        throw error;
      }
      this.#log.error({ ...idsOfTurn(turn), error }, "turn failed");
      reply = await this.#work.giveUp(turn, "unknown");
    } finally {
      this.#stops.delete(turn.id);
    }
    if (reply.outcome === "waits") {
      await this.#store.waiting.wait(lease, turn);
      reached("turn.waiting");
      // The next look learns when its time is over, or that it was decided meanwhile.
      this.#mayWait = true;
      return false;
    }
    reached("turn.made");
    this.#log.debug({ ...idsOfTurn(turn), ms: Math.round(performance.now() - started) }, "answer ready");
    await this.#delivery.deliverFirst(lease, turn, reply, lastEnd(steps, reply));
    return true;
  }

  /** The answer, shown while it grows. */
  async #respondShown(
    lease: Lease,
    open: Extract<OpenTurn, { state: "queued" }>,
    attempt: AnswerAttempt,
    steps: TurnStep[],
    stop: AbortSignal,
  ): Promise<TurnReply | Waits> {
    const { turn, hasBegun } = open;
    let { edits } = open;
    const drafting = await attempt.drafting();
    const [former, ...others] =
      hasBegun || turn.kind === "edit"
        ? await this.#work.former(turn, drafting.anew, await this.#delivery.optionsFor(turn))
        : [];
    const draft = new Draft(
      {
        eventId: former,
        begin: (text) => this.#beginDraft(lease, open, drafting, text),
        isLive: () => drafting.live?.isOpen === true,
        edit: async (eventId, text) => {
          if ((await drafting.live?.update(text)) === true) return true;
          if (edits >= drafting.maxEdits) return false;
          // Each has a number of its own, over all attempts.
          const count = ++edits;
          const content = await drafting.edit(eventId, text);
          await this.#delivery.show(lease, turn, `${DRAFT_STEP}.${count}`, content, {
            isFirst: true,
            beside: { scopes: [], store: (tx) => this.#store.countEdits(tx, turn, count) },
            noted: (tx, edit) => this.#store.note(tx, turn, edit, eventId),
            reaches: "draft.edited",
          });
          return true;
        },
      },
      this.#log.child(idsOfTurn(turn)),
    );
    let shown: string | undefined;
    let reply: TurnReply | Waits | undefined;
    try {
      const show = (text: string): void => {
        if (drafting.shows) draft.update(text);
      };
      reply = await this.#respond(lease, open, attempt, steps, show, stop);
    } finally {
      shown = await draft.close(reply?.outcome === "waits" ? await attempt.waiting(steps) : undefined);
      drafting.live?.end();
    }
    if (reply.outcome === "waits") return reply;
    return shown === undefined ? drafting.whole(reply) : drafting.finish(reply, [shown, ...others]);
  }

  async #beginDraft(
    lease: Lease,
    { turn, hasBegun }: Extract<OpenTurn, { state: "queued" }>,
    drafting: Drafting,
    text: string,
  ): Promise<string> {
    const content = await drafting.begin(text);
    const eventId = await this.#delivery.show(lease, turn, DRAFT_STEP, content, {
      isFirst: !hasBegun,
      noted: (tx, draft) => this.#store.setDraft(tx, turn, draft),
      reaches: "draft.shown",
    });
    await drafting.live?.begun(eventId, text);
    return eventId;
  }

  async #respond(
    lease: Lease,
    { turn, attempts, hasBegun, ageMs }: Extract<OpenTurn, { state: "queued" }>,
    attempt: AnswerAttempt,
    steps: TurnStep[],
    show: (text: string) => void,
    stop: AbortSignal,
  ): Promise<TurnReply | Waits> {
    const { maxWaitMs, maxDurationMs, retryForMs, approvalMs, calls } = this.#options.limits();
    if (attempts >= MAX_TURN_ATTEMPTS) return this.#work.giveUp(turn, "unknown");
    // A turn that had already begun waited only because of a crash of ours, or for a person.
    if (!hasBegun && ageMs > maxWaitMs) return this.#work.giveUp(turn, "waited");
    const timeout = AbortSignal.timeout(maxDurationMs);
    const signal = AbortSignal.any([this.#stopping.signal, timeout, stop]);
    const { database, log } = this.#options;
    try {
      const { delivery, work } = this.#parts;
      const surroundings = { database, work, delivery, lease, turn, log, retryForMs, show, signal };
      const stepWork = withinBudget(new TurnStepWork(attempt, surroundings), calls);
      const reply = await takeSteps(steps, stepWork, this.#store.steps.recordsOf(lease, turn, approvalMs));
      // A stopped turn does not wait.
      if (reply?.outcome === "waits") signal.throwIfAborted();
      return reply ?? (await this.#work.giveUp(turn, "unknown"));
    } catch (error) {
      if (this.#stopping.signal.aborted) throw error;
      if (stop.aborted) return await stoppedReply(attempt, steps, stop.reason as TurnStopped);
      if (timeout.aborted) return this.#work.giveUp(turn, "timeout");
      throw error;
    }
  }

  async #pause(atLeastMs = 0): Promise<void> {
    const waitMs = Math.max(atLeastMs, RETRY_MS * (0.5 + Math.random()));
    await sleep(waitMs, undefined, { signal: this.#draining.signal }).catch(() => undefined);
  }
}
