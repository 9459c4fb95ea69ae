import type { Flow } from "./verification-messages.ts";

/** A verification that the agent has answered and that has not ended. */
interface Open {
  readonly flow: Flow;
  /** Whether a to-device message started it without an earlier request, as matrix-nio does. */
  readonly isStartedUnasked: boolean;
  /** Whether the offer of a QR code was made, or turned out to be impossible. */
  readonly isOffered: boolean;
  /** Gives the engine the other side's `done`, which came before the operator decided. */
  readonly theirEnd: (() => Promise<void>) | undefined;
}

/** The state of a verification. */
export type FlowState =
  /** A user has continued a flow that is not known here. */
  | { readonly kind: "unknown"; readonly flow: Flow }
  /** A user has started it by a to-device message without a request, and the agent has not answered yet. */
  | { readonly kind: "started"; readonly flow: Flow }
  | ({ readonly kind: "requested" } & Open)
  /** The operator is shown the emoji to compare. */
  | ({ readonly kind: "comparing" } & Open)
  | { readonly kind: "done" }
  | { readonly kind: "cancelled" };

/** A flow that the agent has answered and that has not ended. */
export type OpenFlowState = Extract<FlowState, Open>;

/**
 * The most ended flows, and the most unanswered ones, that are remembered; the oldest go first. The engine forgets an
 * ended flow at its next list of requests. The ledger recognises an id that comes again.
 */
const MAX_REMEMBERED = 1_000;

/** The states of a device's verifications, by flow id. */
export class VerificationFlows {
  readonly #states = new Map<string, FlowState>();

  /** Whether a verification is under way. */
  get isAnyOpen(): boolean {
    return this.open().length > 0;
  }

  /** The flows that the agent has answered and that have not ended. */
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

  /** A user has started a flow by a to-device message. Only the engine knows whether there was a request before. */
  heardStart(flow: Flow): void {
    const state = this.#states.get(flow.flowId);
    if (state === undefined || state.kind === "unknown") this.#set(flow.flowId, { kind: "started", flow });
    else if (isOpen(state)) this.#states.set(flow.flowId, { ...state, isStartedUnasked: true });
  }

  /** The engine has a request for this flow. */
  wasAskedFor(flowId: string): void {
    const state = this.#states.get(flowId);
    if (state?.kind === "started") this.#states.delete(flowId);
    else if (state !== undefined && isOpen(state)) this.#states.set(flowId, { ...state, isStartedUnasked: false });
  }

  /** The flows of a user that started by a to-device message without a request. */
  startedUnasked(userId: string): readonly Flow[] {
    return [...this.#states.values()].flatMap((state) => {
      const isStarted = state.kind === "started" || (isOpen(state) && state.isStartedUnasked);
      return isStarted && state.flow.userId === userId ? [state.flow] : [];
    });
  }

  /** The engine does not know a flow that started without a request. */
  startIsUnknown(flowId: string): void {
    const state = this.#states.get(flowId);
    if (state?.kind === "started") this.#set(flowId, { kind: "unknown", flow: state.flow });
    else this.wasAskedFor(flowId);
  }

  /** A user has continued a flow. It is noted if nothing is known of it. */
  heardStep(flow: Flow): void {
    if (!this.#states.has(flow.flowId)) this.#set(flow.flowId, { kind: "unknown", flow });
  }

  /** Returns the continued flows of which still nothing is known, and forgets them. */
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

  /** A QR code is offered, or turned out to be impossible. */
  offered(flowId: string): void {
    this.#change(flowId, (state) => ({ ...state, isOffered: true }));
  }

  /** The operator is shown the emoji to compare. */
  comparing(flowId: string): void {
    this.#change(flowId, (state) => ({ ...state, kind: "comparing" }));
  }

  /** Keeps the other side's `done` until the operator has decided. */
  keepEnd(flowId: string, theirEnd: () => Promise<void>): void {
    this.#change(flowId, (state) => ({ ...state, theirEnd }));
  }

  /** A flow has ended, whether or not the agent had answered it. */
  end(flowId: string, kind: "done" | "cancelled"): void {
    this.#set(flowId, { kind });
  }

  #change(flowId: string, next: (state: OpenFlowState) => OpenFlowState): void {
    const state = this.openState(flowId);
    if (state !== undefined) this.#states.set(flowId, next(state));
  }

  /** Makes the flow the latest, and forgets the oldest of its kind when there are too many. */
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

/** The kind of a flow. The ledger bounds the open ones: so many an hour of each user. */
function sortOf(state: FlowState): "unanswered" | "open" | "over" {
  if (isOpen(state)) return "open";
  return state.kind === "started" || state.kind === "unknown" ? "unanswered" : "over";
}

function isOpen(state: FlowState): state is OpenFlowState {
  return state.kind === "requested" || state.kind === "comparing";
}
