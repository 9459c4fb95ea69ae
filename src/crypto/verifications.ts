import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { VerificationMode } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Outgoing } from "./outgoing.ts";
import { Serial } from "./serial.ts";

/** One of the seven pictures that both sides compare. */
export interface Emoji {
  readonly symbol: string;
  readonly description: string;
}

/** A verification that somebody asked for. */
export interface Flow {
  readonly flowId: string;
  readonly userId: string;
  /** Undefined when it goes by to-device messages. */
  readonly roomId: string | undefined;
}

/** Remembers verifications, and what an operator says of them. */
export interface VerificationLedger {
  /** Notes a flow; false when there was one of this id before, which then is a replay. */
  begin(flow: Flow): Promise<boolean>;
  /** Shows the QR code that the person can scan; until then emoji can be compared as well. */
  offering(flow: Flow, code: Uint8Array): Promise<void>;
  /** Shows what is to be compared; `undefined` when the code was scanned, and it is to be said whether the person's app is content. */
  comparing(flow: Flow, emoji: readonly Emoji[] | undefined): Promise<void>;
  /** What the operator decided; undefined while it is open. */
  decision(flow: Flow): Promise<"match" | "mismatch" | undefined>;
  /**
   * @param cancelled why it came to nothing; undefined when both sides have verified each other.
   * @param isMismatch whether that is because one of the two saw something else.
   */
  ended(flow: Flow, cancelled: string | undefined, isMismatch: boolean): Promise<void>;
}

/** Whether a verification has come to its end. */
interface Progress {
  readonly isDone: boolean;
  /** Why it came to nothing. */
  readonly cancelled: string | undefined;
  readonly isMismatch?: boolean;
}

/** The codes of a cancellation that say that the two sides do not have the same (spec "m.key.verification.cancel"). */
const MISMATCHES: ReadonlySet<string | undefined> = new Set([
  "m.mismatched_sas",
  "m.mismatched_commitment",
  "m.key_mismatch",
]);

type OutgoingVerification = engine.ToDeviceRequest | engine.RoomMessageRequest | undefined;

/**
 * The agent's side of verifications by emoji (spec "Short Authentication String (SAS) verification"), in rooms and by
 * to-device messages, and by QR codes, which it shows where there is an operator's terminal to show them on. It never
 * starts one, and can scan none. What the engine says is looked at again after everything that comes in.
 */
export class Verifications {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #outgoing: Outgoing;
  readonly #ledger: VerificationLedger;
  readonly #mode: VerificationMode;
  readonly #isAllowed: (flow: Flow) => boolean;
  readonly #log: Logger;
  /** Who has sent something that belongs to a verification. */
  readonly #people = new Set<string>();
  readonly #advancing = new Serial();
  readonly #open = new Map<string, Flow>();
  readonly #offered = new Set<string>();
  readonly #shown = new Set<string>();
  readonly #over = new Set<string>();
  /** What was started by to-device messages without being asked for first, as matrix-nio does. */
  readonly #started = new Map<string, Flow>();

  constructor(options: {
    readonly machine: engine.OlmMachine;
    readonly calls: Serial;
    readonly outgoing: Outgoing;
    readonly ledger: VerificationLedger;
    readonly mode: VerificationMode;
    /** Who may verify the agent, and where. */
    readonly isAllowed: (flow: Flow) => boolean;
    readonly log: Logger;
  }) {
    this.#machine = options.machine;
    this.#calls = options.calls;
    this.#outgoing = options.outgoing;
    this.#ledger = options.ledger;
    this.#mode = options.mode;
    this.#isAllowed = options.isAllowed;
    this.#log = options.log;
  }

  /** Whether one is under way. */
  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  /**
   * Somebody may have asked for one, or gone on with it, by a to-device message.
   *
   * @param started the flow's id if the message starts it.
   */
  heardOf(userId: string, started?: string): void {
    this.#people.add(userId);
    if (started !== undefined) this.#started.set(started, { flowId: started, userId, roomId: undefined });
  }

  /** Goes on with every flow as far as it goes now. Throws what the store, the server or the ledger throw. */
  advance(): Promise<void> {
    return this.#advancing.run(() => this.#advanceAll());
  }

  async #advanceAll(): Promise<void> {
    for (const userId of this.#people) {
      const requests = await this.#now(() => this.#machine.getVerificationRequests(new engine.UserId(userId)));
      for (const request of requests) {
        this.#started.delete(request.flowId);
        await this.#advance(request);
      }
      for (const flow of this.#started.values()) if (flow.userId === userId) await this.#advanceStarted(flow);
      if (![...this.#open.values()].some((flow) => flow.userId === userId)) this.#people.delete(userId);
    }
  }

  async #advance(request: engine.VerificationRequest): Promise<void> {
    const flow = { flowId: request.flowId, userId: request.otherUserId.toString(), roomId: request.roomId?.toString() };
    if (this.#over.has(flow.flowId)) return;
    if (await this.#endIfOver(flow, progressOf(request, request.cancelInfo))) return;
    if (request.phase() === engine.VerificationRequestPhase.Requested) {
      if (request.weStarted() || this.#open.has(flow.flowId)) return;
      await this.#answer(flow, request);
    }
    const verification = await this.#now(() => request.getVerification());
    if (verification instanceof engine.Sas) await this.#compare(flow, verification);
    else if (verification instanceof engine.Qr) await this.#scanned(flow, verification);
    else await this.#offer(flow, request);
    await this.#endIfOver(flow, progressOf(request, request.cancelInfo));
  }

  async #advanceStarted(flow: Flow): Promise<void> {
    const sas = await this.#now(() => this.#machine.getVerification(new engine.UserId(flow.userId), flow.flowId));
    if (!(sas instanceof engine.Sas) || this.#over.has(flow.flowId)) {
      this.#started.delete(flow.flowId);
      return;
    }
    if (await this.#endIfOver(flow, progressOf(sas, sas.cancelInfo()))) return;
    if (!this.#open.has(flow.flowId) && !(await this.#begin(flow, () => sas.cancel()))) return;
    await this.#compare(flow, sas);
    await this.#endIfOver(flow, progressOf(sas, sas.cancelInfo()));
  }

  async #answer(flow: Flow, request: engine.VerificationRequest): Promise<void> {
    if (!(await this.#begin(flow, () => request.cancel()))) return;
    const { SasV1, QrCodeShowV1, ReciprocateV1 } = engine.VerificationMethod;
    const methods = this.#mode === "operator" ? [SasV1, QrCodeShowV1, ReciprocateV1] : [SasV1];
    await this.#send(() => request.acceptWithMethods(methods));
  }

  /** False when nothing comes of it. */
  async #begin(flow: Flow, cancel: () => OutgoingVerification): Promise<boolean> {
    if (!(await this.#ledger.begin(flow))) {
      this.#over.add(flow.flowId);
      return false;
    }
    this.#open.set(flow.flowId, flow);
    const isAllowed = this.#isAllowed(flow);
    if (this.#mode === "off" || !isAllowed) {
      await this.#send(cancel);
      await this.#end(flow, isAllowed ? "verification is switched off" : "this user has no access");
      return false;
    }
    this.#log.info({ user: flow.userId, flow: flow.flowId, room: flow.roomId }, "verification accepted");
    return true;
  }

  /** Who can scan a code is shown one; whether they do that or compare emoji is theirs to choose. */
  async #offer(flow: Flow, request: engine.VerificationRequest): Promise<void> {
    if (this.#mode !== "operator" || this.#offered.has(flow.flowId)) return;
    if (request.phase() !== engine.VerificationRequestPhase.Ready) return;
    this.#offered.add(flow.flowId);
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
    }
  }

  async #show(flow: Flow, emoji: readonly Emoji[] | undefined): Promise<void> {
    if (this.#shown.has(flow.flowId)) return;
    await this.#ledger.comparing(flow, emoji);
    this.#shown.add(flow.flowId);
    this.#log.info({ user: flow.userId, flow: flow.flowId }, "to be compared: see matrix-agents verify");
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
      // The signature of the other's identity goes out with the rest.
      await this.#outgoing.drain();
    }
  }

  async #endIfOver(flow: Flow, { isDone, cancelled, isMismatch }: Progress): Promise<boolean> {
    if (!isDone && cancelled === undefined) return false;
    // What ended before it was ever answered is nobody's business.
    if (!isDone && !this.#open.has(flow.flowId)) this.#over.add(flow.flowId);
    else await this.#end(flow, cancelled, isMismatch);
    return true;
  }

  async #end(flow: Flow, cancelled: string | undefined, isMismatch = false): Promise<void> {
    await this.#ledger.ended(flow, cancelled, isMismatch);
    this.#open.delete(flow.flowId);
    this.#started.delete(flow.flowId);
    this.#over.add(flow.flowId);
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
  verification: Pick<engine.Sas, "isDone" | "isCancelled" | "timedOut">,
  info: engine.CancelInfo | undefined,
): Progress {
  const late = verification.timedOut() ? "it took too long" : undefined;
  const cancelled = verification.isCancelled() ? (info?.reason() ?? "cancelled") : late;
  if (verification.isDone()) return { isDone: true, cancelled: undefined };
  return { isDone: false, cancelled, isMismatch: MISMATCHES.has(info?.cancelCode()) };
}
