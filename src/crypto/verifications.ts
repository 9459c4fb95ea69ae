import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { VerificationMode } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Outgoing } from "./outgoing.ts";
import { Serial } from "../concurrency/serial.ts";
import { VerificationFlows } from "./verification-flows.ts";
import type { Flow, VerificationForm } from "./verification-messages.ts";

/** One of the seven emoji that both sides compare. */
export interface Emoji {
  readonly symbol: string;
  readonly description: string;
}

/** Stores verifications, and the operator's decisions about them. */
export interface VerificationLedger {
  /**
   * Notes a flow and the form of its events. False when its id was used before, so that it is a replay, or when this
   * user has had too many lately.
   */
  begin(flow: Flow, form: VerificationForm | undefined): Promise<boolean>;
  /** Whether this flow of this user failed before. */
  isCancelled(flow: Flow): Promise<boolean>;
  /** Shows the QR code that the person can scan. Until then they can also compare emoji. */
  offering(flow: Flow, code: Uint8Array): Promise<void>;
  /**
   * Shows the emoji to compare. `undefined` means that the code was scanned, and the operator must say whether the
   * person's app confirms it.
   */
  comparing(flow: Flow, emoji: readonly Emoji[] | undefined): Promise<void>;
  /** The operator's decision; undefined while there is none. */
  decision(flow: Flow): Promise<"match" | "mismatch" | undefined>;
  /**
   * @param cancelled the reason why it failed; undefined when both sides have verified each other.
   * @param isMismatch whether one of the two sides saw something else.
   */
  ended(flow: Flow, cancelled: string | undefined, isMismatch: boolean): Promise<void>;
}

/** The progress of a verification. */
interface Progress {
  readonly isDone: boolean;
  /** The reason why it failed. */
  readonly cancelled: string | undefined;
  readonly isMismatch?: boolean;
}

/** The cancellation codes that mean a mismatch between the two sides (spec "m.key.verification.cancel"). */
const MISMATCHES: ReadonlySet<string | undefined> = new Set([
  "m.mismatched_sas",
  "m.mismatched_commitment",
  "m.key_mismatch",
]);

type OutgoingVerification = engine.ToDeviceRequest | engine.RoomMessageRequest | undefined;

/**
 * The agent's side of verifications by emoji (spec "Short Authentication String (SAS) verification"), in rooms and by
 * to-device messages, and by QR code, which it shows where an operator has a terminal. It never starts a verification,
 * and can scan no code. It looks at the engine's state again after every incoming message.
 */
export class Verifications {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #outgoing: Outgoing;
  readonly #ledger: VerificationLedger;
  readonly #mode: VerificationMode;
  readonly #isAllowed: (flow: Flow) => boolean;
  readonly #messages: {
    formOf(flowId: string): VerificationForm | undefined;
    cancelUnknown(flow: Flow): Promise<void>;
  };
  readonly #log: Logger;
  /** The users who have sent a message of a verification. */
  readonly #people = new Set<string>();
  readonly #advancing = new Serial();
  readonly #flows = new VerificationFlows();

  constructor(options: {
    readonly machine: engine.OlmMachine;
    readonly calls: Serial;
    readonly outgoing: Outgoing;
    readonly ledger: VerificationLedger;
    readonly mode: VerificationMode;
    /** Whether this user may verify the agent in this room. */
    readonly isAllowed: (flow: Flow) => boolean;
    readonly messages: {
      formOf(flowId: string): VerificationForm | undefined;
      /** Tells the user who started a flow that it failed. */
      cancelUnknown(flow: Flow): Promise<void>;
    };
    readonly log: Logger;
  }) {
    this.#machine = options.machine;
    this.#calls = options.calls;
    this.#outgoing = options.outgoing;
    this.#ledger = options.ledger;
    this.#mode = options.mode;
    this.#isAllowed = options.isAllowed;
    this.#messages = options.messages;
    this.#log = options.log;
  }

  /** Whether a verification is under way. */
  get isOpen(): boolean {
    return this.#flows.isAnyOpen;
  }

  /**
   * A user may have asked for a verification, or continued one, by a to-device message.
   *
   * @param started the flow's id if the message starts it.
   */
  heardOf(userId: string, started?: string): void {
    this.#people.add(userId);
    if (started !== undefined) this.#flows.heardStart({ flowId: started, userId, roomId: undefined });
  }

  /** A user has continued a flow. If it failed before the engine knew it, the user is told so. */
  heardStep(flow: Flow): void {
    this.#flows.heardStep(flow);
  }

  /** Ends a flow that the engine has forgotten, and tells the user who started it. Rejects when that fails. */
  async cancelForgotten(flow: Flow): Promise<void> {
    this.#flows.end(flow.flowId, "cancelled");
    await this.#messages.cancelUnknown(flow);
    this.#log.info({ user: flow.userId, flow: flow.flowId }, "an interrupted verification is cancelled");
  }

  /** Advances every flow as far as possible. Throws the error of the store, the server or the ledger. */
  advance(): Promise<void> {
    return this.#advancing.run(() => this.#advanceAll());
  }

  async #advanceAll(): Promise<void> {
    for (const userId of this.#people) {
      const requests = await this.#now(() => this.#machine.getVerificationRequests(new engine.UserId(userId)));
      for (const request of requests) {
        this.#flows.wasAskedFor(request.flowId);
        await this.#advance(request);
      }
      for (const flow of this.#flows.startedUnasked(userId)) await this.#advanceStarted(flow);
      if (!this.#flows.open().some(({ flow }) => flow.userId === userId)) this.#people.delete(userId);
    }
    for (const flow of this.#flows.takeUnknown()) await this.#endIfForgotten(flow);
  }

  async #endIfForgotten(flow: Flow): Promise<void> {
    const { flowId, userId } = flow;
    if (!this.#isAllowed(flow)) return;
    const isKnown = await this.#now(
      () =>
        this.#machine.getVerificationRequest(new engine.UserId(userId), flowId) !== undefined ||
        this.#machine.getVerification(new engine.UserId(userId), flowId) !== undefined,
    );
    if (!isKnown && (await this.#ledger.isCancelled(flow))) await this.cancelForgotten(flow);
  }

  /**
   * Whether the other side's `m.key.verification.done` must be given to the engine later. A person who has scanned our
   * code is done at once, and the engine would forget the flow before the operator has confirmed the person's app.
   */
  async waitsForUs(flow: Pick<Flow, "userId" | "flowId">, give: () => Promise<void>): Promise<boolean> {
    if (this.#flows.openState(flow.flowId)?.flow.userId !== flow.userId) return false;
    const code = await this.#engineState(flow);
    if (!(code instanceof engine.Qr) || !code.hasBeenScanned() || code.hasBeenConfirmed()) return false;
    this.#flows.keepEnd(flow.flowId, give);
    return true;
  }

  async #advance(request: engine.VerificationRequest): Promise<void> {
    const flow = { flowId: request.flowId, userId: request.otherUserId.toString(), roomId: request.roomId?.toString() };
    if (this.#flows.isOver(flow.flowId)) return;
    if (await this.#endIfOver(flow, await this.#progressOf(flow, request))) return;
    if (request.phase() === engine.VerificationRequestPhase.Requested) {
      if (request.weStarted() || this.#flows.openState(flow.flowId) !== undefined) return;
      await this.#answer(flow, request);
    }
    const verification = await this.#now(() => request.getVerification());
    if (verification instanceof engine.Sas) await this.#compare(flow, verification);
    else if (verification instanceof engine.Qr) await this.#scanned(flow, verification);
    else await this.#offer(flow, request);
    await this.#endIfOver(flow, await this.#progressOf(flow, request));
  }

  /** The engine calls a request done as soon as the other side does. A comparison is done when both sides are. */
  async #progressOf(flow: Flow, request: engine.VerificationRequest): Promise<Progress> {
    const progress = progressOf(request, request.cancelInfo);
    if (!progress.isDone) return progress;
    const compared = await this.#engineState(flow);
    if (compared === undefined) return { isDone: false, cancelled: "it was ended before anything was compared" };
    return progressOf(compared, compared.cancelInfo());
  }

  #engineState({ userId, flowId }: Pick<Flow, "userId" | "flowId">): Promise<engine.Sas | engine.Qr | undefined> {
    return this.#now(() => {
      const state: unknown = this.#machine.getVerification(new engine.UserId(userId), flowId);
      return state instanceof engine.Sas || state instanceof engine.Qr ? state : undefined;
    });
  }

  async #advanceStarted(flow: Flow): Promise<void> {
    const sas = await this.#engineState(flow);
    if (!(sas instanceof engine.Sas) || this.#flows.isOver(flow.flowId)) {
      this.#flows.startIsUnknown(flow.flowId);
      return;
    }
    if (await this.#endIfOver(flow, progressOf(sas, sas.cancelInfo()))) return;
    if (this.#flows.openState(flow.flowId) === undefined && !(await this.#begin(flow, () => sas.cancel()))) return;
    await this.#compare(flow, sas);
    await this.#endIfOver(flow, progressOf(sas, sas.cancelInfo()));
  }

  async #answer(flow: Flow, request: engine.VerificationRequest): Promise<void> {
    if (!(await this.#begin(flow, () => request.cancel()))) return;
    const { SasV1, QrCodeShowV1, ReciprocateV1 } = engine.VerificationMethod;
    const methods = this.#mode === "operator" ? [SasV1, QrCodeShowV1, ReciprocateV1] : [SasV1];
    await this.#send(() => request.acceptWithMethods(methods));
  }

  /** False when the verification ends here. */
  async #begin(flow: Flow, cancel: () => OutgoingVerification): Promise<boolean> {
    // This check comes first, so that nothing is stored for a user who may not verify. Their attempt is noted once an
    // hour, with all other refusals.
    if (!this.#isAllowed(flow)) {
      this.#flows.end(flow.flowId, "cancelled");
      await this.#send(cancel);
      this.#log.info({ user: flow.userId, flow: flow.flowId }, "verification refused: this user has no access");
      return false;
    }
    if (!(await this.#ledger.begin(flow, this.#messages.formOf(flow.flowId)))) {
      this.#flows.end(flow.flowId, "cancelled");
      // It needs no message, but the engine would take the flow for a second verification beside the next one.
      await this.#now(cancel);
      return false;
    }
    this.#flows.begin(flow);
    if (this.#mode === "off") {
      await this.#send(cancel);
      await this.#end(flow, "verification is switched off");
      return false;
    }
    this.#log.info({ user: flow.userId, flow: flow.flowId, room: flow.roomId }, "verification accepted");
    return true;
  }

  /** Shows a code to a person who can scan one. They choose between the code and emoji. */
  async #offer(flow: Flow, request: engine.VerificationRequest): Promise<void> {
    const state = this.#flows.openState(flow.flowId);
    if (this.#mode !== "operator" || state === undefined || state.isOffered) return;
    if (request.phase() !== engine.VerificationRequestPhase.Ready) return;
    this.#flows.offered(flow.flowId);
    if (request.theirSupportedMethods?.includes(engine.VerificationMethod.QrCodeScanV1) !== true) return;
    const code = await this.#calls.run(() => request.generateQrCode());
    if (code !== undefined) await this.#ledger.offering(flow, Uint8Array.from(code.toBytes()));
  }

  async #scanned(flow: Flow, code: engine.Qr): Promise<void> {
    if (!code.hasBeenScanned() || code.hasBeenConfirmed()) return;
    await this.#show(flow, undefined);
    const decision = await this.#ledger.decision(flow);
    if (decision === "mismatch") await this.#send(() => code.cancelWithCode("m.user"));
    if (decision === "match") {
      await this.#send(() => code.confirmScanning());
      await this.#outgoing.drain();
      await this.#flows.openState(flow.flowId)?.theirEnd?.();
    }
  }

  async #show(flow: Flow, emoji: readonly Emoji[] | undefined): Promise<void> {
    if (this.#flows.openState(flow.flowId)?.kind !== "requested") return;
    await this.#ledger.comparing(flow, emoji);
    this.#flows.comparing(flow.flowId);
    this.#log.info(
      { user: flow.userId, flow: flow.flowId },
      "a verification waits for comparison: see matrix-agents verify",
    );
  }

  async #compare(flow: Flow, sas: engine.Sas): Promise<void> {
    if (!sas.weStarted() && !sas.hasBeenAccepted()) await this.#send(() => sas.accept());
    if (!sas.canBePresented() || sas.haveWeConfirmed()) return;
    if (this.#mode === "operator") {
      const emoji = (sas.emoji() ?? []).map(({ symbol, description }) => ({ symbol, description }));
      await this.#show(flow, emoji);
    }
    const decision = this.#mode === "accept" ? "match" : await this.#ledger.decision(flow);
    if (decision === "mismatch") await this.#send(() => sas.cancelWithCode("m.mismatched_sas"));
    if (decision === "match") {
      const requests = await this.#calls.run(() => sas.confirm());
      for (const outgoing of requests) await this.#outgoing.send(outgoing);
      // The signature of the other identity is sent with the other requests.
      await this.#outgoing.drain();
    }
  }

  async #endIfOver(flow: Flow, { isDone, cancelled, isMismatch }: Progress): Promise<boolean> {
    if (!isDone && cancelled === undefined) return false;
    // A flow that ended before the agent answered it is not reported.
    if (!isDone && this.#flows.openState(flow.flowId) === undefined) this.#flows.end(flow.flowId, "cancelled");
    else await this.#end(flow, cancelled, isMismatch);
    return true;
  }

  async #end(flow: Flow, cancelled: string | undefined, isMismatch = false): Promise<void> {
    // The engine would take the rest of a cancelled request for a second verification beside the next one.
    const left = cancelled === undefined ? undefined : await this.#engineState(flow);
    if (left?.isCancelled() === false && !left.isDone()) await this.#now(() => left.cancel());
    await this.#ledger.ended(flow, cancelled, isMismatch);
    this.#flows.end(flow.flowId, cancelled === undefined ? "done" : "cancelled");
    this.#log.info({ user: flow.userId, flow: flow.flowId, cancelled }, "verification ended");
  }

  async #send(make: () => OutgoingVerification): Promise<void> {
    const request = await this.#now(make);
    if (request !== undefined) await this.#outgoing.send(request);
  }

  #now<T>(look: () => T): Promise<T> {
    return this.#calls.run(() => Promise.resolve(look()));
  }
}

function progressOf(
  verification: Pick<engine.Sas, "isDone" | "isCancelled"> & Partial<Pick<engine.Sas, "timedOut">>,
  info: engine.CancelInfo | undefined,
): Progress {
  const late = verification.timedOut?.() === true ? "it took too long" : undefined;
  const cancelled = verification.isCancelled() ? (info?.reason() ?? "cancelled") : late;
  if (verification.isDone()) return { isDone: true, cancelled: undefined };
  return { isDone: false, cancelled, isMismatch: MISMATCHES.has(info?.cancelCode()) };
}
