import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import { isInteractive } from "../homeserver/errors.ts";
import { reached } from "../observability/steps.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Serial } from "../concurrency/serial.ts";
import type { SealedSecrets, SecretStorage } from "./secret-storage.ts";
import type { DeviceTransport } from "./transport.ts";

/**
 * The server already has a cross-signing identity for this user, and we do not hold its keys. A new one would cost the
 * trust of everybody who verified the old one, so the bridge never makes it unasked.
 */
export class IdentityElsewhere extends Error {
  override readonly name = "IdentityElsewhere";
}

/**
 * The homeserver takes no cross-signing identity from an application service: it asks for a password, which its users do
 * not have.
 */
export class IdentityRefused extends Error {
  override readonly name = "IdentityRefused";
}

/** The secrets of an identity, by their names in secret storage. */
export const SECRETS = {
  master: "m.cross_signing.master",
  selfSigning: "m.cross_signing.self_signing",
  userSigning: "m.cross_signing.user_signing",
} as const;

/** The secrets of an identity. */
export type IdentitySecrets = Readonly<Record<(typeof SECRETS)[keyof typeof SECRETS], string>>;

/**
 * A place on the server for the secrets of an identity that is not in secret storage yet. Secret storage takes six
 * calls, and this one.
 */
export interface KeptIdentity {
  keep(secrets: SealedSecrets): Promise<void>;
  /** The secrets that were kept there; undefined when there are none. */
  kept(): Promise<unknown>;
}

/** The parts that hold an identity's secrets. */
type IdentityParts = Pick<IdentityOptions, "machine" | "calls" | "storage">;

/** The parts that make an identity. */
export interface IdentityOptions {
  readonly userId: string;
  readonly deviceId: string;
  readonly machine: engine.OlmMachine;
  readonly calls: Serial;
  readonly outgoing: Outgoing;
  readonly transport: DeviceTransport;
  readonly storage: SecretStorage;
  readonly keptIdentity: KeptIdentity;
  /** Replaces an existing identity. Everybody who verified the old one has to verify the new one. */
  readonly reset?: boolean;
  /** Whether the user was just made, so that the server can have no identity of theirs. */
  readonly isNewUser?: boolean;
}

/**
 * Makes the ghost's cross-signing identity and signs its device with it (spec "Cross-signing"), or finishes an earlier
 * attempt: the private keys are stored, here and on the server, before the public ones are sent. When the ghost already
 * has an identity whose secrets are on the server, that one signs its new device. Throws {@link IdentityElsewhere}, {@link IdentityRefused}, or the transport's error. It is safe
 * to call again.
 *
 * @returns Whether an existing identity was restored.
 */
export async function establishIdentity(options: IdentityOptions): Promise<{ readonly restored: boolean }> {
  const { userId, machine, calls, outgoing, transport, keptIdentity, reset = false, isNewUser = false } = options;
  const status = await calls.run(() => machine.crossSigningStatus());
  const haveKeys = status.hasMaster && status.hasSelfSigning && status.hasUserSigning;
  if (!reset && !haveKeys && !isNewUser && (await serverHasIdentity(userId, transport))) {
    await restoreIdentity(options);
    return { restored: true };
  }
  const requests = await calls.run(() => machine.bootstrapCrossSigning(reset));
  await keptIdentity.keep(await sealIdentity(options));
  reached("identity.kept");
  const upload = requests.uploadKeysRequest as engine.KeysUploadRequest | undefined;
  const refusal = await publish(transport, requests.uploadSigningKeysRequest.body);
  reached("identity.published");
  if (refusal !== undefined) {
    // Clients that write to unsigned devices need its keys.
    if (upload !== undefined) await outgoing.send(upload);
    throw refusal;
  }
  // The engine signs the device's keys in their first upload, once it has an identity.
  await outgoing.send(upload ?? requests.uploadSignaturesRequest);
  return { restored: false };
}

/** Publishes an identity. Returns the refusal of a homeserver that asks for a password (spec "User-interactive authentication"). */
async function publish(transport: DeviceTransport, body: string): Promise<IdentityRefused | undefined> {
  try {
    await transport.deviceSigningUpload(body);
    return undefined;
  } catch (cause) {
    if (!isInteractive(cause)) throw cause;
    return new IdentityRefused("the homeserver asks for a password to publish a cross-signing identity", { cause });
  }
}

/**
 * Puts the identity's secrets into secret storage, where a new device finds them. Throws the error of writing account
 * data.
 */
export async function storeIdentity(options: IdentityParts): Promise<void> {
  await options.storage.write(await secretsOf(options));
}

/** The secrets of the device's identity, to be kept outside secret storage. */
export async function sealIdentity(options: IdentityParts): Promise<SealedSecrets> {
  return options.storage.seal(await secretsOf(options));
}

/**
 * The secrets of the identity that are on the server under the storage's key; undefined when one is missing. Throws the
 * error of reading account data.
 *
 * @param kept those of a {@link KeptIdentity}. They are never older than those in secret storage.
 */
export async function readIdentity(storage: SecretStorage, kept: unknown): Promise<IdentitySecrets | undefined> {
  const read = async (name: string): Promise<string | undefined> =>
    storage.unseal(kept, name) ?? (await storage.read(name));
  const master = await read(SECRETS.master);
  const selfSigning = await read(SECRETS.selfSigning);
  const userSigning = await read(SECRETS.userSigning);
  if (master === undefined || selfSigning === undefined || userSigning === undefined) return undefined;
  return { [SECRETS.master]: master, [SECRETS.selfSigning]: selfSigning, [SECRETS.userSigning]: userSigning };
}

async function secretsOf({ machine, calls }: IdentityParts): Promise<IdentitySecrets> {
  const keys = await calls.run(() => machine.exportCrossSigningKeys());
  const { masterKey, self_signing_key: selfSigning, userSigningKey: userSigning } = keys ?? {};
  if (masterKey === undefined || selfSigning === undefined || userSigning === undefined) {
    throw new Error("the device holds no whole identity");
  }
  return { [SECRETS.master]: masterKey, [SECRETS.selfSigning]: selfSigning, [SECRETS.userSigning]: userSigning };
}

async function restoreIdentity(options: IdentityOptions): Promise<void> {
  const { userId, deviceId, machine, calls, outgoing, storage, keptIdentity } = options;
  const secrets = await readIdentity(storage, await keptIdentity.kept());
  if (secrets === undefined) {
    throw new IdentityElsewhere(
      `${userId} has a cross-signing identity on the server that neither this database nor this master key opens; give its recovery key: matrix-agents keys restore ${userId}`,
    );
  }
  // The server takes signatures only for keys that it has.
  await outgoing.drain();
  const self = (): engine.UserId => new engine.UserId(userId);
  // The import compares the secrets with the public keys, so the engine must know these first.
  await outgoing.send(await calls.run(() => Promise.resolve(machine.queryKeysForUsers([self()]))));
  const status = await calls.run(() =>
    machine.importCrossSigningKeys(secrets[SECRETS.master], secrets[SECRETS.selfSigning], secrets[SECRETS.userSigning]),
  );
  const device = await calls.run(() => machine.getDevice(self(), new engine.DeviceId(deviceId)));
  if (!(status.hasMaster && status.hasSelfSigning && status.hasUserSigning) || device === undefined) {
    throw new IdentityElsewhere(`the secrets in ${userId}'s secret storage are not those of its identity`);
  }
  await outgoing.send(await calls.run(() => device.verify()));
}

async function serverHasIdentity(userId: string, transport: DeviceTransport): Promise<boolean> {
  const answer: unknown = JSON.parse(await transport.keysQuery(JSON.stringify({ device_keys: { [userId]: [] } })));
  if (typeof answer !== "object" || answer === null || !("master_keys" in answer)) return false;
  return typeof answer.master_keys === "object" && answer.master_keys !== null && userId in answer.master_keys;
}
