import type * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Outgoing } from "./outgoing.ts";
import type { Serial } from "./serial.ts";
import type { DeviceTransport } from "./transport.ts";

/**
 * The server already has a cross-signing identity for this user, and we do not hold its keys. Making another one would
 * take away the trust of everybody who verified the first, so it is never done by itself.
 */
export class IdentityElsewhere extends Error {
  override readonly name = "IdentityElsewhere";
}

/**
 * Makes the ghost's cross-signing identity and signs its device with it (spec "Cross-signing"), or finishes what an
 * earlier try began: the private keys are in the store before the public ones leave. Throws {@link IdentityElsewhere},
 * or what the transport throws; calling again is safe.
 */
export async function establishIdentity(options: {
  userId: string;
  machine: engine.OlmMachine;
  calls: Serial;
  outgoing: Outgoing;
  transport: DeviceTransport;
}): Promise<void> {
  const { userId, machine, calls, outgoing, transport } = options;
  const status = await calls.run(() => machine.crossSigningStatus());
  const haveKeys = status.hasMaster && status.hasSelfSigning && status.hasUserSigning;
  if (!haveKeys && (await serverHasIdentity(userId, transport))) {
    throw new IdentityElsewhere(
      `${userId} already has a cross-signing identity on the server, made by another installation; its keys are not in this database`,
    );
  }
  const requests = await calls.run(() => machine.bootstrapCrossSigning(false));
  const upload = requests.uploadKeysRequest as engine.KeysUploadRequest | undefined;
  if (upload !== undefined) await outgoing.send(upload);
  await transport.deviceSigningUpload(requests.uploadSigningKeysRequest.body);
  await outgoing.send(requests.uploadSignaturesRequest);
}

async function serverHasIdentity(userId: string, transport: DeviceTransport): Promise<boolean> {
  const answer: unknown = JSON.parse(await transport.keysQuery(JSON.stringify({ device_keys: { [userId]: [] } })));
  if (typeof answer !== "object" || answer === null || !("master_keys" in answer)) return false;
  return typeof answer.master_keys === "object" && answer.master_keys !== null && userId in answer.master_keys;
}
