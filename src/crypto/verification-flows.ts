import type { Flow } from "./verification-messages.ts";

/** A verification that the agent has answered, until it ends. */
interface Open {
  readonly flow: Flow;
  /** Whether it was started by a to-device message that nobody had asked for first, as matrix-nio does. */
  readonly isStartedUnasked: boolean;
  /** Whether a QR code was offered, or could not be. */
  readonly isOffered: boolean;
  /** Gives the engine the other side's end, which came before the operator has decided. */
  readonly theirEnd: (() => Promise<void>) | undefined;
}

/** How far a verification has come. */
export type FlowState =
  /** Somebody has gone on with a flow that is not known here. */
  | { readonly kind: "unknown"; readonly flow: Flow }
  /** Somebody has started it by a to-device message without asking first, and the agent has not answered yet. */
  | { readonly kind: "started"; readonly flow: Flow }
  | ({ readonly kind: "requested" } & Open)
  /** What is to be compared is shown to the operator. */
  | ({ readonly kind: "comparing" } & Open)
  | { readonly kind: "done" }
  | { readonly kind: "cancelled" };

/** A flow that the agent has answered and that has not ended. */
export type OpenFlowState = Extract<FlowState, Open>;

/**
 * So many flows are remembered that have ended, and so many that nobody has answered: the latest. The engine forgets what has
 * ended when it is asked for its requests next; an id that comes again is known in the ledger.
 */
const MAX_REMEMBERED = 1_000;

/** The states of a device's verifications, by their flows' ids. */
export class VerificationFlows {
  readonly #states = new Map<string, FlowState>();

  /** Whether one is under way. */
  get isAnyOpen(): boolean {
    return this.open().length > 0;
  }

  /** Those that the agent has answered and that have not ended. */
  open(): readonly OpenFlowState[] {
    return [...this.#states.values()].filter(isOpen);
  }

  /** The state of a flow that the agent has answered and that has not ended. */
  openState(flowId: string): OpenFlowState | undefined {
    const state = this.#states.get(flowId);
    return state !== undefined && isOpen(state) ? state : undefined;
  }

  isOver(flowId: string): boolean {
    const kind = this.#states.get(flowId)?.kind;
    return kind === "done" || kind === "cancelled";
  }

  /** Somebody has started a flow by a to-device message; whether they had asked first only the engine knows. */
  heardStart(flow: Flow): void {
    const state = this.#states.get(flow.flowId);
    if (state === undefined || state.kind === "unknown") this.#set(flow.flowId, { kind: "started", flow });
    else if (isOpen(state)) this.#states.set(flow.flowId, { ...state, isStartedUnasked: true });
  }

  /** The engine has a request for a flow: its start was asked for. */
  wasAskedFor(flowId: string): void {
    const state = this.#states.get(flowId);
    if (state?.kind === "started") this.#states.delete(flowId);
    else if (state !== undefined && isOpen(state)) this.#states.set(flowId, { ...state, isStartedUnasked: false });
  }

  /** The flows of a user that were started by a to-device message that nobody had asked for. */
  startedUnasked(userId: string): readonly Flow[] {
    return [...this.#states.values()].flatMap((state) => {
      const isStarted = state.kind === "started" || (isOpen(state) && state.isStartedUnasked);
      return isStarted && state.flow.userId === userId ? [state.flow] : [];
    });
  }

  /** The engine does not know a flow that somebody has started without asking first. */
  startIsUnknown(flowId: string): void {
    const state = this.#states.get(flowId);
    if (state?.kind === "started") this.#set(flowId, { kind: "unknown", flow: state.flow });
    else this.wasAskedFor(flowId);
  }

  /** Somebody has gone on with a flow; noted where nothing is known of it. */
  heardStep(flow: Flow): void {
    if (!this.#states.has(flow.flowId)) this.#set(flow.flowId, { kind: "unknown", flow });
  }

  /** The flows that somebody has gone on with and of which nothing is known still; they are forgotten. */
  takeUnknown(): readonly Flow[] {
    const unknown = [...this.#states.values()].flatMap((state) => (state.kind === "unknown" ? [state.flow] : []));
    for (const { flowId } of unknown) this.#states.delete(flowId);
    return unknown;
  }

  /** The agent answers a flow. */
  begin(flow: Flow): void {
    const isStartedUnasked = this.#states.get(flow.flowId)?.kind === "started";
    this.#set(flow.flowId, { kind: "requested", flow, isStartedUnasked, isOffered: false, theirEnd: undefined });
  }

  /** A QR code is offered, or can't be. */
  offered(flowId: string): void {
    this.#change(flowId, (state) => ({ ...state, isOffered: true }));
  }

  /** The operator is shown what is to be compared. */
  comparing(flowId: string): void {
    this.#change(flowId, (state) => ({ ...state, kind: "comparing" }));
  }

  /** Keeps the other side's end until the operator has decided. */
  keepEnd(flowId: string, theirEnd: () => Promise<void>): void {
    this.#change(flowId, (state) => ({ ...state, theirEnd }));
  }

  /** A flow has ended, whether the agent had answered it or not. */
  end(flowId: string, kind: "done" | "cancelled"): void {
    this.#set(flowId, { kind });
  }

  #change(flowId: string, next: (state: OpenFlowState) => OpenFlowState): void {
    const state = this.openState(flowId);
    if (state !== undefined) this.#states.set(flowId, next(state));
  }

  /** Makes it the latest, and forgets the oldest of its sort when there are too many. */
  #set(flowId: string, state: FlowState): void {
    this.#states.delete(flowId);
    this.#states.set(flowId, state);
    const sort = sortOf(state);
    if (sort === "open") return;
    const alike = [...this.#states].filter(([, other]) => sortOf(other) === sort);
    const [oldest] = alike;
    if (alike.length > MAX_REMEMBERED && oldest !== undefined) this.#states.delete(oldest[0]);
  }
}

/** Flows that are open are bounded by the ledger: so many an hour of each user. */
function sortOf(state: FlowState): "unanswered" | "open" | "over" {
  if (isOpen(state)) return "open";
  return state.kind === "started" || state.kind === "unknown" ? "unanswered" : "over";
}

function isOpen(state: FlowState): state is OpenFlowState {
  return state.kind === "requested" || state.kind === "comparing";
}
