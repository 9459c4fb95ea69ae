import { randomUUID } from "node:crypto";
import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import { backoffMs } from "../concurrency/backoff.ts";
import { askedToWaitMs } from "../homeserver/errors.ts";
import type { Logger } from "../observability/log.ts";
import { serverOf } from "../matrix/server-name.ts";
import { askForKeys, type WantedKeys } from "./key-requests.ts";
import { boundedKeys } from "./bounded-keys.ts";
import { Coalesced, Serial } from "../concurrency/serial.ts";
import type { DeviceTransport } from "./transport.ts";
import { reached } from "../observability/steps.ts";

/** Any request of the engine. Signature uploads sent by hand have no id and expect no answer. */
type EngineRequest = Awaited<ReturnType<engine.OlmMachine["outgoingRequests"]>>[number];

/** Sends a verification message to its room; resolves with the server's answer. */
export type SendToRoom = (request: engine.RoomMessageRequest) => Promise<string>;

/** The result of a round of requests, for callers who wait for it. */
interface Drained {
  /** Set when a query for somebody's devices failed. */
  readonly queryFailure: { readonly error: unknown } | undefined;
}

/** Answers cause further requests for a few rounds. This bounds an engine that always wants more. */
const MAX_ROUNDS = 20;

/** The first and the longest wait before a failed request is retried, in ms. */
const RETRY = { firstMs: 1_000, longestMs: 60_000 };

/**
 * Sends the engine's requests to the server and gives it the answers. A failed request does not hold up the others. It
 * is retried later with the same body and id, because the engine lists it until it is answered.
 */
export class Outgoing {
  /** Two claims at once would each use one-time keys and leave two sessions. */
  readonly claims = new Serial();
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #transport: DeviceTransport;
  readonly #log: Logger;
  readonly #pump: Coalesced<Drained>;
  readonly #sendToRoom: SendToRoom;
  /** Messages to rooms, in order: a verification does not survive reordering. */
  readonly #toRooms = new Serial();
  readonly #leaving = new Set<string>();
  /** Failed requests by id: each waits for its own time. */
  readonly #held = new Map<string, { readonly failures: number; readonly until: number }>();
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  /** @param sendToRoom sends a message to a room. It may use this object to encrypt the message. */
  constructor(
    machine: engine.OlmMachine,
    calls: Serial,
    transport: DeviceTransport,
    log: Logger,
    sendToRoom: SendToRoom = () => Promise.reject(new Error("this device sends nothing to rooms by itself")),
  ) {
    this.#sendToRoom = sendToRoom;
    this.#machine = machine;
    this.#calls = calls;
    this.#transport = transport;
    this.#log = log;
    this.#pump = new Coalesced(() => this.#drain());
  }

  /** Sends all requests that the engine has now. Never rejects: failures are logged and retried. */
  async drain(): Promise<void> {
    await this.#pump.run().catch((error: unknown) => {
      if (!this.#closed) this.#log.error({ error }, "the crypto engine could not list its outgoing requests");
    });
    await this.#toRooms.run(() => Promise.resolve());
  }

  /**
   * Sends all requests that must come before a key is shared. Rejects when a query for the recipients' devices failed:
   * they could never read a message that is encrypted without knowing their devices.
   */
  async drainBeforeSharing(): Promise<void> {
    const { queryFailure } = await this.#pump.run();
    if (queryFailure !== undefined) throw queryFailure.error;
  }

  /** Sends one request, gives its answer to the engine, and returns it. Rejects when either fails. */
  send(request: EngineRequest): Promise<string> {
    const send = (): Promise<string> => this.#sendNow(request);
    return request instanceof engine.RoomMessageRequest ? this.#toRooms.run(send) : send();
  }

  async #sendNow(request: EngineRequest): Promise<string> {
    const answer = await this.#deliver(request);
    reached("request.answered");
    const id = request.id;
    if (id !== undefined) await this.#calls.run(() => this.#machine.markRequestAsSent(id, request.type, answer));
    return answer;
  }

  /** Sends an unencrypted message to all devices of some users. Rejects when it fails. */
  async sendToDevices(eventType: string, userIds: readonly string[], content: object): Promise<void> {
    const messages = Object.fromEntries(userIds.map((userId) => [userId, { "*": content }]));
    await this.#transport.sendToDevice(eventType, randomUUID(), JSON.stringify({ messages }));
  }

  /** Stops the retries. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  async #drain(): Promise<Drained> {
    const tried = new Set<string>();
    let failed = 0;
    let askedMs = 0;
    let queryFailure: Drained["queryFailure"];
    let uploadFailed = false;
    // Requests that an answer causes (a signature after a query, keys after a count) appear only in the next round.
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (this.#closed) break;
      const listed = await this.#calls.run(() => this.#machine.outgoingRequests());
      const forRooms = listed.filter((request) => request instanceof engine.RoomMessageRequest);
      for (const id of this.#held.keys()) if (!forRooms.some((request) => request.id === id)) this.#held.delete(id);
      for (const request of forRooms) this.#leave(request);
      const requests = listed.filter(
        // The engine lists a failed query or upload again at once, under another id: it must wait like the others.
        (request) =>
          !tried.has(request.id ?? "") &&
          !(request instanceof engine.RoomMessageRequest) &&
          (queryFailure === undefined || !(request instanceof engine.KeysQueryRequest)) &&
          !(uploadFailed && request instanceof engine.KeysUploadRequest),
      );
      if (requests.length === 0) break;
      for (const request of requests) tried.add(request.id ?? "");
      const results = await Promise.allSettled(
        // The engine's own claim replaces a broken session.
        requests.map((request) =>
          request instanceof engine.KeysClaimRequest ? this.claims.run(() => this.send(request)) : this.send(request),
        ),
      );
      for (const [index, result] of results.entries()) {
        if (result.status === "fulfilled") continue;
        failed++;
        askedMs = Math.max(askedMs, askedToWaitMs(result.reason));
        if (requests[index] instanceof engine.KeysQueryRequest) queryFailure = { error: result.reason };
        if (requests[index] instanceof engine.KeysUploadRequest) uploadFailed = true;
        this.#log.warn({ error: result.reason as unknown }, "a key request to the server failed");
      }
    }
    this.#scheduleRetry(failed > 0 || this.#held.size > 0, askedMs);
    return { queryFailure };
  }

  /**
   * The pump can't wait for this message: encrypting it asks the pump for keys. So it is sent beside the pump, and the
   * engine lists it until then.
   */
  #leave(request: engine.RoomMessageRequest): void {
    const { id } = request;
    const { failures = 0, until = 0 } = this.#held.get(id) ?? {};
    if (this.#leaving.has(id) || performance.now() < until) return;
    this.#leaving.add(id);
    this.send(request)
      .then(
        () => this.#held.delete(id),
        (error: unknown) => {
          if (this.#closed) return;
          this.#log.warn({ room: request.room_id, error }, "a verification's message could not be sent yet");
          const waitMs = Math.max(backoffMs(failures, RETRY), askedToWaitMs(error));
          this.#held.set(id, { failures: failures + 1, until: performance.now() + waitMs });
          this.#scheduleRetry(true, askedToWaitMs(error));
        },
      )
      .finally(() => this.#leaving.delete(id));
  }

  #scheduleRetry(failed: boolean, askedMs: number): void {
    clearTimeout(this.#retry);
    if (!failed || this.#closed) {
      this.#failures = 0;
      return;
    }
    this.#retry = setTimeout(
      () => {
        this.drain().catch((error: unknown) =>
          this.#log.error({ error }, "the crypto engine's requests could not be repeated"),
        );
      },
      Math.max(backoffMs(this.#failures++, RETRY), askedMs),
    );
    this.#retry.unref();
  }

  async #askForKeys(request: string, wanted: WantedKeys): Promise<string> {
    const ask = (body: string): Promise<string> =>
      wanted === "device_keys" ? this.#transport.keysQuery(body) : this.#transport.keysClaim(body);
    const own = this.#machine.userId.toString();
    const answer = await askForKeys(ask, { request, wanted, ownServer: serverOf(own) });
    return JSON.stringify(wanted === "device_keys" ? boundedKeys(answer, own) : answer);
  }

  #deliver(request: EngineRequest): Promise<string> {
    if (request instanceof engine.KeysUploadRequest) return this.#transport.keysUpload(request.body);
    if (request instanceof engine.KeysQueryRequest) return this.#askForKeys(request.body, "device_keys");
    if (request instanceof engine.KeysClaimRequest) return this.#askForKeys(request.body, "one_time_keys");
    if (request instanceof engine.SignatureUploadRequest) return this.#transport.signaturesUpload(request.body);
    if (request instanceof engine.ToDeviceRequest) {
      return this.#transport.sendToDevice(request.event_type, request.txn_id, request.body);
    }
    if (request instanceof engine.RoomMessageRequest) {
      return this.#sendToRoom(request);
    }
    return Promise.reject(new Error("a backup of room keys is asked for and sent by KeyBackup alone"));
  }
}
