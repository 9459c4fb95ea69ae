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
  /** Shows what is to be compared. */
  comparing(flow: Flow, emoji: readonly Emoji[]): Promise<void>;
  /** What the operator decided; undefined while it is open. */
  decision(flow: Flow): Promise<"match" | "mismatch" | undefined>;
  /** @param cancelled why it came to nothing; undefined when both sides have verified each other. */
  ended(flow: Flow, cancelled: string | undefined): Promise<void>;
}

type OutgoingVerification = engine.ToDeviceRequest | engine.RoomMessageRequest | undefined;

/**
 * The agent's side of verifications by emoji (spec "Short Authentication String (SAS) verification"), in rooms and by
 * to-device messages. It never starts one. What the engine says is looked at again after everything that comes in.
 */
export class Verifications {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #outgoing: Outgoing;
  readonly #ledger: VerificationLedger;
  readonly #mode: VerificationMode;
  readonly #isAllowed: (userId: string) => boolean;
  readonly #log: Logger;
  /** Who has sent something that belongs to a verification. */
  readonly #people = new Set<string>();
  readonly #advancing = new Serial();
  readonly #open = new Map<string, Flow>();
  readonly #shown = new Set<string>();
  readonly #over = new Set<string>();

  constructor(options: {
    readonly machine: engine.OlmMachine;
    readonly calls: Serial;
    readonly outgoing: Outgoing;
    readonly ledger: VerificationLedger;
    readonly mode: VerificationMode;
    readonly isAllowed: (userId: string) => boolean;
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

  /** Somebody may have asked for one, or gone on with it, by a to-device message. */
  heardOf(userId: string): void {
    this.#people.add(userId);
  }

  /** Goes on with every flow as far as it goes now. Throws what the store, the server or the ledger throw. */
  advance(): Promise<void> {
    return this.#advancing.run(() => this.#advanceAll());
  }

  async #advanceAll(): Promise<void> {
    for (const userId of this.#people) {
      const requests = await this.#now(() => this.#machine.getVerificationRequests(new engine.UserId(userId)));
      for (const request of requests) await this.#advance(request);
      if (![...this.#open.values()].some((flow) => flow.userId === userId)) this.#people.delete(userId);
    }
  }

  async #advance(request: engine.VerificationRequest): Promise<void> {
    const flow = { flowId: request.flowId, userId: request.otherUserId.toString(), roomId: request.roomId?.toString() };
    if (this.#over.has(flow.flowId)) return;
    if (await this.#endIfOver(flow, request)) return;
    if (request.phase() === engine.VerificationRequestPhase.Requested) {
      if (request.weStarted() || this.#open.has(flow.flowId)) return;
      await this.#answer(flow, request);
    }
    const sas = await this.#now(() => request.getVerification());
    if (sas instanceof engine.Sas) await this.#compare(flow, request, sas);
  }

  async #answer(flow: Flow, request: engine.VerificationRequest): Promise<void> {
    if (!(await this.#ledger.begin(flow))) {
      this.#over.add(flow.flowId);
      return;
    }
    this.#open.set(flow.flowId, flow);
    const isAllowed = this.#isAllowed(flow.userId);
    if (this.#mode === "off" || !isAllowed) {
      await this.#send(() => request.cancel());
      await this.#end(flow, isAllowed ? "verification is switched off" : "this user has no access");
      return;
    }
    this.#log.info({ user: flow.userId, flow: flow.flowId, room: flow.roomId }, "verification accepted");
    await this.#send(() => request.acceptWithMethods([engine.VerificationMethod.SasV1]));
  }

  async #compare(flow: Flow, request: engine.VerificationRequest, sas: engine.Sas): Promise<void> {
    if (!sas.weStarted() && !sas.hasBeenAccepted()) await this.#send(() => sas.accept());
    if (!sas.canBePresented() || sas.haveWeConfirmed()) return;
    if (this.#mode === "operator" && !this.#shown.has(flow.flowId)) {
      const emoji = (sas.emoji() ?? []).map(({ symbol, description }) => ({ symbol, description }));
      await this.#ledger.comparing(flow, emoji);
      this.#shown.add(flow.flowId);
      this.#log.info({ user: flow.userId, flow: flow.flowId }, "emoji to be compared: see matrix-agents verify");
    }
    const decision = this.#mode === "accept" ? "match" : await this.#ledger.decision(flow);
    if (decision === "mismatch") await this.#send(() => sas.cancelWithCode("m.mismatched_sas"));
    if (decision === "match") {
      const requests = await this.#calls.run(() => sas.confirm());
      for (const outgoing of requests) await this.#outgoing.send(outgoing);
      // The signature of the other's identity goes out with the rest.
      await this.#outgoing.drain();
    }
    await this.#endIfOver(flow, request);
  }

  async #endIfOver(flow: Flow, request: engine.VerificationRequest): Promise<boolean> {
    if (!this.#open.has(flow.flowId) && !request.isDone()) {
      if (!request.isCancelled() && !request.timedOut()) return false;
      // It ended before it was ever answered.
      this.#over.add(flow.flowId);
      return true;
    }
    if (request.isDone()) await this.#end(flow, undefined);
    else if (request.isCancelled()) await this.#end(flow, request.cancelInfo?.reason() ?? "cancelled");
    else if (request.timedOut()) await this.#end(flow, "it took too long");
    else return false;
    return true;
  }

  async #end(flow: Flow, cancelled: string | undefined): Promise<void> {
    await this.#ledger.ended(flow, cancelled);
    this.#open.delete(flow.flowId);
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
