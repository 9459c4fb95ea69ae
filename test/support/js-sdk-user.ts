// One user on matrix-js-sdk with its Rust cryptography, as Element Web has it. Started by user.ts; the commands are there.
import "./console-to-stderr.ts";
import { createInterface } from "node:readline";
import {
  ClientEvent,
  createClient,
  MatrixEventEvent,
  RoomEvent,
  RoomMemberEvent,
  SyncState,
  type AuthDict,
  type MatrixClient,
  type MatrixEvent,
} from "matrix-js-sdk";
import {
  AllDevicesIsolationMode,
  EventShieldColour,
  EventShieldReason,
  OnlySignedDevicesIsolationMode,
  decodeRecoveryKey,
  VerificationPhase,
  type ShowSasCallbacks,
  type VerificationRequest,
  type CryptoApi,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import type { Asked, Login, Notice, Request, VerificationEnd } from "./user-protocol.ts";
import { StreamSubscriber } from "./stream-subscriber.ts";
import { eventually } from "./eventually.ts";

/** The SDK's own signature knows the usual events only. */
interface AnyEventSender {
  sendEvent(roomId: string, type: string, content: object): Promise<{ event_id: string }>;
}

let verification: Verification | undefined;
let scan: Pick<Verification, "request" | "verified"> | undefined;
interface Session {
  readonly client: MatrixClient;
  readonly crypto: CryptoApi;
  /** For user-interactive authentication. */
  readonly auth: AuthDict;
}

let session: Session | undefined;

const streams = new StreamSubscriber((roomId, eventId, update) => {
  notify({ event: "stream", roomId, eventId, update });
});

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const request = JSON.parse(line) as Request;
    handle(request).then(
      (result) => {
        print({ id: request.id, ok: true, result: result ?? null });
      },
      (error: unknown) => {
        print({ id: request.id, ok: false, error: error instanceof Error ? error.message : String(error) });
      },
    );
  })
  .on("close", () => process.exit(0));

function print(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function notify(notice: Notice): void {
  print(notice);
}

async function handle(request: Request): Promise<unknown> {
  if (request.cmd === "start") {
    session = await start(request.args);
    return {
      userId: session.client.getUserId(),
      deviceId: session.client.getDeviceId(),
      accessToken: session.client.getAccessToken(),
    };
  }
  if (session === undefined) throw new Error("not started");
  const { client, crypto } = session;
  switch (request.cmd) {
    case "waitRoom":
      await waitRoom(client, crypto, request.args.roomId, request.args.encrypted);
      return null;
    case "send": {
      await waitRoom(client, crypto, request.args.roomId, false);
      const { roomId, type, content } = request.args;
      return (await (client as unknown as AnyEventSender).sendEvent(roomId, type, content)).event_id;
    }
    case "invite":
      await client.invite(request.args.roomId, request.args.userId);
      return null;
    case "members":
      return Object.fromEntries(
        (client.getRoom(request.args.roomId)?.getMembers() ?? []).map((member) => [member.userId, member.membership]),
      );
    case "decryptFile":
      throw new Error("the tests read encrypted files by matrix-nio alone, beside their own code");
    case "deviceTrust":
      return deviceTrust(crypto, request.args.userId);
    case "shield":
      return shield(client, crypto, request.args.roomId, request.args.eventId);
    case "followStreams":
      streams.isOn = true;
      return null;
    case "onlySignedDevices":
      crypto.setDeviceIsolationMode(
        request.args.on ? new OnlySignedDevicesIsolationMode() : new AllDevicesIsolationMode(false),
      );
      return null;
    case "onlyVerifiedDevices":
      crypto.globalBlacklistUnverifiedDevices = request.args.on;
      return null;
    case "encryptVerifications":
      encryptVerifications(client, crypto);
      return null;
    case "verify":
      verification = await startVerification(crypto, request.args);
      return verification.emoji;
    case "scan": {
      scan = await scanCode(crypto, request.args);
      return null;
    }
    case "finishScan":
      if (scan === undefined) throw new Error("nothing was scanned");
      return endOf(scan.request, scan.verified);
    case "finishVerification":
      if (verification === undefined) throw new Error("no verification is under way");
      return finishVerification(verification, request.args.match);
    case "resetIdentity":
      // A running answer about keys makes the SDK forget the new identity, which then makes another.
      for (let isKnown = false; !isKnown;) {
        await makeIdentity(crypto);
        isKnown = await knowsItsIdentity(client, crypto);
      }
      return null;
    case "block":
      throw new Error("matrix-js-sdk blocks no devices");
    case "isVerified":
      return (await crypto.getUserVerificationStatus(request.args.userId)).isCrossSigningVerified();
    case "restoreBackup": {
      await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
      return (await crypto.restoreKeyBackup()).imported;
    }
    case "readEvent": {
      const { roomId, eventId } = request.args;
      const event = client.getEventMapper()(await client.fetchRoomEvent(roomId, eventId));
      await client.decryptEventIfNeeded(event);
      if (event.isDecryptionFailure()) throw new Error(event.decryptionFailureReason ?? "unknown reason");
      return event.getContent()["body"] as unknown;
    }
    case "rotateSession":
      await crypto.forceDiscardSession(request.args.roomId);
      return null;
  }
}

async function start(options: Login): Promise<Session> {
  const { url, userId, password, unsigned = false, appserviceToken, recoveryKey } = options;
  const auth = { type: "m.login.password", identifier: { type: "m.id.user", user: userId }, password };
  const login = await createClient({
    baseUrl: url,
    ...(appserviceToken ? { accessToken: appserviceToken } : {}),
  }).loginRequest(
    appserviceToken === undefined ? auth : { type: "m.login.application_service", identifier: auth.identifier },
  );
  const client = createClient({
    baseUrl: url,
    accessToken: login.access_token,
    userId: login.user_id,
    deviceId: login.device_id,
    fetchFn: streams.fetch,
    ...(recoveryKey === undefined
      ? {}
      : {
          cryptoCallbacks: {
            getSecretStorageKey: ({ keys }) => {
              const [id = ""] = Object.keys(keys);
              return Promise.resolve([id, decodeRecoveryKey(recoveryKey)]);
            },
          },
        }),
  });
  await client.initRustCrypto({ useIndexedDB: false });
  const crypto = client.getCrypto();
  if (crypto === undefined) throw new Error("matrix-js-sdk has no cryptography");
  if (!unsigned) {
    // The import compares the secrets with the public identity, so the client must know that first.
    await crypto.userHasCrossSigningKeys(userId, true);
    await crypto.bootstrapCrossSigning({
      authUploadDeviceSigningKeys: async (makeRequest) => {
        if (appserviceToken !== undefined) throw new Error("the agent has an identity; another one is not to be made");
        await makeRequest(auth);
      },
    });
  }
  observe(client);
  const synced = new Promise<void>((resolve) => {
    client.on(ClientEvent.Sync, (state) => {
      if (state === SyncState.Prepared) resolve();
    });
  });
  await client.startClient({ initialSyncLimit: 100 });
  await synced;
  return { client, crypto, auth };
}

function observe(client: MatrixClient): void {
  client.on(RoomEvent.Timeline, (event) => {
    // Our own event is reported when the server has it; see LocalEchoUpdated.
    if (event.status === null) tell(client, event);
  });
  client.on(RoomEvent.LocalEchoUpdated, (event) => {
    if (event.status === null) tell(client, event);
  });
  client.on(MatrixEventEvent.Decrypted, (event) => {
    if (event.status === null) tell(client, event);
  });
  client.on(RoomMemberEvent.Typing, (_event, { roomId }) => {
    const typing =
      client
        .getRoom(roomId)
        ?.getMembers()
        .filter((member) => member.typing) ?? [];
    notify({ event: "typing", roomId, userIds: typing.map((member) => member.userId) });
  });
  client.on(RoomEvent.Receipt, (event, room) => {
    const receipts = event.getContent<Record<string, Record<string, Record<string, unknown>>>>();
    for (const [eventId, kinds] of Object.entries(receipts)) {
      for (const userId of [kinds["m.read"], kinds["m.read.private"]].flatMap((users) => Object.keys(users ?? {}))) {
        notify({ event: "receipt", roomId: room.roomId, userId, eventId });
      }
    }
  });
}

function tell(client: MatrixClient, event: MatrixEvent): void {
  const [roomId, eventId, sender] = [event.getRoomId(), event.getId(), event.getSender()];
  if (roomId === undefined || eventId === undefined || sender === undefined || event.isState()) return;
  if (event.shouldAttemptDecryption()) {
    // The outcome is announced by Decrypted.
    client.decryptEventIfNeeded(event).catch((error: unknown) => {
      console.error("decrypting failed", error);
    });
    return;
  }
  if (event.isBeingDecrypted()) return;
  streams.follow(client, event).catch((error: unknown) => {
    console.error("following failed", error);
  });
  const redacts = event.event.redacts ?? event.getContent<{ redacts?: string }>().redacts;
  notify({
    event: "timeline",
    seen: {
      roomId,
      eventId,
      sender,
      type: event.isDecryptionFailure() ? "m.room.encrypted" : event.getType(),
      content: event.isDecryptionFailure() ? {} : event.getOriginalContent(),
      encrypted: event.getWireType() === "m.room.encrypted",
      wireContent: event.getWireContent(),
      ...(event.getType() === "m.room.redaction" && redacts !== undefined ? { redacts } : {}),
      ...(event.isDecryptionFailure() ? { decryptionError: event.decryptionFailureReason ?? "unknown reason" } : {}),
    },
  });
}

async function waitRoom(client: MatrixClient, crypto: CryptoApi, roomId: string, encrypted: boolean): Promise<void> {
  await eventually(`matrix-js-sdk to know the room ${roomId}`, async () => {
    if (client.getRoom(roomId)?.getMyMembership() !== "join") return false;
    return !encrypted || (await crypto.isEncryptionEnabledInRoom(roomId));
  });
}

/** The part of the SDK's crypto that carries verifications in rooms; its types lack it. */
interface VerificationCarrier {
  sendVerificationRequestContent(roomId: string, content: string): Promise<string>;
  onKeyVerificationEvent(event: MatrixEvent): Promise<void>;
  readonly outgoingRequestProcessor: {
    requestWithRetry(method: string, path: string, query: object, body: string): Promise<string>;
  };
}

function encryptVerifications(client: MatrixClient, crypto: CryptoApi): void {
  const carrier = crypto as unknown as VerificationCarrier;
  const sender = client as unknown as AnyEventSender;
  const processor = carrier.outgoingRequestProcessor;
  const request = processor.requestWithRetry.bind(processor);
  const take = carrier.onKeyVerificationEvent.bind(carrier);
  carrier.sendVerificationRequestContent = async (roomId, content) =>
    (await sender.sendEvent(roomId, "m.room.message", JSON.parse(content) as object)).event_id;
  processor.requestWithRetry = async (method, path, query, body) => {
    const [, roomId, type] = /\/rooms\/([^/]+)\/send\/(m\.key\.verification\.[^/]+)\//.exec(path) ?? [];
    if (roomId === undefined || type === undefined) return request(method, path, query, body);
    return JSON.stringify(await sender.sendEvent(decodeURIComponent(roomId), type, JSON.parse(body) as object));
  };
  carrier.onKeyVerificationEvent = async (event) => {
    if (event.getWireType() === "m.room.encrypted") await take(event);
  };
}

interface Verification {
  readonly request: VerificationRequest;
  readonly emoji: readonly string[];
  readonly callbacks: ShowSasCallbacks;
  readonly verified: Promise<void>;
}

/** Asks for a verification; a second call passes in the code to scan, which the other side shows. */
async function scanCode(
  crypto: CryptoApi,
  { code, ...whom }: Asked & { readonly code?: string },
): Promise<Pick<Verification, "request" | "verified">> {
  if (code === undefined || scan === undefined) {
    const request = await requestOf(crypto, whom);
    await eventually("the other side to be ready", () => request.phase === VerificationPhase.Ready);
    return { request, verified: Promise.resolve() };
  }
  const verifier = await scan.request.scanQRCode(Uint8ClampedArray.from(Buffer.from(code, "base64")));
  const verified = verifier.verify();
  verified.catch(() => undefined);
  return { request: scan.request, verified };
}

function requestOf(crypto: CryptoApi, { userId, roomId = "", deviceId }: Asked): Promise<VerificationRequest> {
  return deviceId === undefined
    ? crypto.requestVerificationDM(userId, roomId)
    : crypto.requestDeviceVerification(userId, deviceId);
}

async function startVerification(crypto: CryptoApi, whom: Asked): Promise<Verification> {
  const request = await requestOf(crypto, whom);
  await eventually("the other side to be ready", () => {
    if (request.phase === VerificationPhase.Cancelled) throw new Error(`cancelled: ${request.cancellationCode ?? ""}`);
    return request.phase === VerificationPhase.Ready;
  });
  const verifier = await request.startVerification("m.sas.v1");
  const verified = verifier.verify();
  verified.catch(() => undefined);
  // The SDK reports the emoji once, possibly before anybody can listen.
  const shown = eventually("the emoji to be shown", () => verifier.getShowSasCallbacks() !== null);
  await Promise.race([shown, verified.then(() => Promise.reject(new Error("nothing was shown")))]);
  const callbacks = verifier.getShowSasCallbacks();
  if (callbacks === null) throw new Error("nothing was shown");
  return { request, emoji: (callbacks.sas.emoji ?? []).map(([symbol]) => symbol), callbacks, verified };
}

async function makeIdentity(crypto: CryptoApi): Promise<void> {
  await crypto.bootstrapCrossSigning({
    setupNewCrossSigning: true,
    authUploadDeviceSigningKeys: async (makeRequest) => {
      await makeRequest(session?.auth ?? null);
    },
  });
}

/** Whether a client trusts its person's identity, as it must in a verification. */
async function knowsItsIdentity(client: MatrixClient, crypto: CryptoApi): Promise<boolean> {
  const own = client.getSafeUserId();
  const look = async (): Promise<boolean> => {
    const device = await crypto.getDeviceVerificationStatus(own, client.getDeviceId() ?? "");
    const identity = await crypto.getUserVerificationStatus(own);
    return identity.isCrossSigningVerified() && device?.crossSigningVerified === true;
  };
  return eventually("the new identity to be known", look, { timeoutMs: 2_000 }).catch(() => false);
}

async function finishVerification(
  { request, callbacks, verified }: Verification,
  match: boolean,
): Promise<VerificationEnd> {
  if (match) await callbacks.confirm();
  else callbacks.mismatch();
  return endOf(request, verified);
}

async function endOf(request: VerificationRequest, verified: Promise<void>): Promise<VerificationEnd> {
  const failure = await verified.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  if (failure === undefined) {
    await eventually("the other side to be done", () => request.phase === VerificationPhase.Done);
    return { done: true };
  }
  return { done: false, cancelled: request.cancellationCode ?? failure };
}

async function deviceTrust(crypto: CryptoApi, userId: string): Promise<unknown[]> {
  const devices = (await crypto.getUserDeviceInfo([userId], true)).get(userId) ?? new Map<string, never>();
  return Promise.all(
    [...devices.keys()].map(async (deviceId) => {
      const status = await crypto.getDeviceVerificationStatus(userId, deviceId);
      return { deviceId, signedByOwner: status?.signedByOwner ?? false };
    }),
  );
}

async function shield(client: MatrixClient, crypto: CryptoApi, roomId: string, eventId: string): Promise<unknown> {
  const event = client.getRoom(roomId)?.findEventById(eventId);
  const info = event === undefined ? null : await crypto.getEncryptionInfoForEvent(event);
  if (info === null) return null;
  return {
    colour: EventShieldColour[info.shieldColour].toLowerCase(),
    reason: info.shieldReason === null ? null : EventShieldReason[info.shieldReason].toLowerCase(),
  };
}
