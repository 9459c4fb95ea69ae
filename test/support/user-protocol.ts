// The messages between user.ts and the clients' processes (js-sdk-user.ts, nio_user.py, mautrix-user/): one JSON object
// a line. Every request is answered by {id, ok: true, result} or {id, ok: false, error}; notices come without a
// request.

export interface Login {
  readonly url: string;
  readonly userId: string;
  readonly password: string;
  /** Not on matrix-nio: leaves the device without its owner's signature. */
  readonly unsigned?: boolean;
  /** matrix-js-sdk only: logs in as an appservice's user, by the appservice's token; there is no password then. */
  readonly appserviceToken?: string;
  /** Not on matrix-nio: opens the user's secret storage, from which the device is signed and the backup is read. */
  readonly recoveryKey?: string;
}

/** Logs in, sets up encryption and syncs from then on. Result: user and device id and access token. */
interface Start {
  readonly cmd: "start";
  readonly args: Login;
}

/** Waits until the client itself knows that it is in the room and, when asked, that the room is encrypted. */
interface WaitRoom {
  readonly cmd: "waitRoom";
  readonly args: { readonly roomId: string; readonly encrypted: boolean };
}

/** Sends, encrypted when the room is. Result: the event id. */
interface Send {
  readonly cmd: "send";
  readonly args: {
    readonly roomId: string;
    readonly type: string;
    readonly content: Readonly<Record<string, unknown>>;
  };
}

/** matrix-nio only. Decrypts a file, in base64, by the `file` of its message. Result: base64. */
interface DecryptFile {
  readonly cmd: "decryptFile";
  readonly args: { readonly bytes: string; readonly file: object };
}

/** matrix-js-sdk only. Invites as its clients do: with the keys of the room's history, where everybody may see it (MSC4268). */
interface Invite {
  readonly cmd: "invite";
  readonly args: { readonly roomId: string; readonly userId: string };
}

/** Result: user id → membership, as the client sees it. */
interface Members {
  readonly cmd: "members";
  readonly args: { readonly roomId: string };
}

/** Not on matrix-nio. Result: {@link DeviceTrust}[]. */
interface GetDeviceTrust {
  readonly cmd: "deviceTrust";
  readonly args: { readonly userId: string };
}

/** Not on matrix-nio. Result: {@link Shield}, or null when it is not encrypted or not known. */
interface GetShield {
  readonly cmd: "shield";
  readonly args: { readonly roomId: string; readonly eventId: string };
}

/** matrix-js-sdk only. Exchange messages only with cross-signed devices (MSC4153), or with all. */
interface OnlySignedDevices {
  readonly cmd: "onlySignedDevices";
  readonly args: { readonly on: boolean };
}

/** matrix-js-sdk only. Send keys only to devices that this person has verified, or to all. */
interface OnlyVerifiedDevices {
  readonly cmd: "onlyVerifiedDevices";
  readonly args: { readonly on: boolean };
}

/** Asks somebody for a verification by emoji, in a room or, with a device, to-device; with matrix-nio, a device. Result: the emoji. */
interface Verify {
  readonly cmd: "verify";
  readonly args: Asked;
}

/**
 * matrix-js-sdk only. From now on the events of verifications in encrypted rooms are encrypted, and unencrypted ones
 * are ignored, as in nheko and clients on the Rust SDK.
 */
interface EncryptVerifications {
  readonly cmd: "encryptVerifications";
  readonly args: object;
}

/** The user to verify, and the way of the request: in a room or, with a device of theirs, by to-device messages. */
export interface Asked {
  readonly userId: string;
  readonly roomId?: string;
  readonly deviceId?: string;
  /** mautrix-go only: sends all events unencrypted, though the room is encrypted. Default: as the room is. */
  readonly inClear?: boolean;
}

/** Not on matrix-nio. Asks somebody for a verification, or scans the code that they show then: its bytes in base64. */
interface Scan {
  readonly cmd: "scan";
  readonly args: Asked & { readonly code?: string };
}

/** Not on matrix-nio. Waits for the other side's confirmation of the scanned code. Result: {@link VerificationEnd}. */
interface FinishScan {
  readonly cmd: "finishScan";
  readonly args: object;
}

/** Says whether the emoji are the same. Result: {@link VerificationEnd}. */
interface FinishVerification {
  readonly cmd: "finishVerification";
  readonly args: { readonly match: boolean };
}

/** matrix-js-sdk only. Replaces the cross-signing identity by a new one. */
interface ResetIdentity {
  readonly cmd: "resetIdentity";
  readonly args: object;
}

/** matrix-nio only. Blocks all devices of somebody. */
interface Block {
  readonly cmd: "block";
  readonly args: { readonly userId: string };
}

/** Whether this person has verified somebody; with matrix-nio, all of their devices. */
interface IsVerified {
  readonly cmd: "isVerified";
  readonly args: { readonly userId: string };
}

/** Not on matrix-nio. Reads the key backup. Result: the number of keys. */
interface RestoreBackup {
  readonly cmd: "restoreBackup";
  readonly args: object;
}

/** Not on matrix-nio. The body of an event, fetched and decrypted. */
interface ReadEvent {
  readonly cmd: "readEvent";
  readonly args: { readonly roomId: string; readonly eventId: string };
}

/** The next message starts a new Megolm session. */
interface RotateSession {
  readonly cmd: "rotateSession";
  readonly args: { readonly roomId: string };
}

/** matrix-js-sdk only. From now on the client watches answers grow (MSC4471); see {@link StreamUpdate}. */
interface FollowStreams {
  readonly cmd: "followStreams";
  readonly args: object;
}

export type Command =
  | Start
  | FollowStreams
  | WaitRoom
  | Send
  | Invite
  | DecryptFile
  | Members
  | GetDeviceTrust
  | GetShield
  | OnlySignedDevices
  | OnlyVerifiedDevices
  | Verify
  | Scan
  | FinishScan
  | FinishVerification
  | ResetIdentity
  | IsVerified
  | EncryptVerifications
  | Block
  | RestoreBackup
  | ReadEvent
  | RotateSession;

export type Request = Command & { readonly id: number };

/** A message-like event of a timeline. It is reported again, with the same id, when it could be decrypted later. */
export interface SeenEvent {
  readonly roomId: string;
  readonly eventId: string;
  readonly sender: string;
  /** Of the decrypted event; `m.room.encrypted` while it can't be read. */
  readonly type: string;
  /** Of the decrypted event, edits not applied; empty while it can't be read. */
  readonly content: Readonly<Record<string, unknown>>;
  /** Whether it came as `m.room.encrypted`. */
  readonly encrypted: boolean;
  /** The content as the server has it. */
  readonly wireContent: Readonly<Record<string, unknown>>;
  /** The event that this `m.room.redaction` deletes. */
  readonly redacts?: string;
  /** The reason why it can't be read. */
  readonly decryptionError?: string;
}

/** A message as a client that follows its stream shows it. */
export interface StreamUpdate {
  readonly seq: number;
  readonly op: "append" | "replace";
  /** The whole text so far. */
  readonly text: string;
}

export type Notice =
  | { readonly event: "stream"; readonly roomId: string; readonly eventId: string; readonly update: StreamUpdate }
  | { readonly event: "timeline"; readonly seen: SeenEvent }
  | { readonly event: "typing"; readonly roomId: string; readonly userIds: readonly string[] }
  | { readonly event: "receipt"; readonly roomId: string; readonly userId: string; readonly eventId: string };

export type Answer =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string };

export interface DeviceTrust {
  readonly deviceId: string;
  /** Signed with its owner's cross-signing keys. */
  readonly signedByOwner: boolean;
}

/** The warning a client shows beside an encrypted message. */
export interface Shield {
  readonly colour: "none" | "grey" | "red";
  /** matrix-js-sdk's `EventShieldReason` in small letters (`unsigned_device`, `unverified_identity` …), or mautrix-go's trust. */
  readonly reason: string | null;
}

/** The end of a verification. */
export interface VerificationEnd {
  readonly done: boolean;
  /** The reason of a failure: the code of the cancellation. */
  readonly cancelled?: string;
}
