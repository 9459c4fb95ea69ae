import type { Pause } from "../../agents/pauses.ts";
import type { JsonObject } from "../../matrix/json.ts";
import { asObject } from "../../homeserver/answer.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { keysUpload } from "../../homeserver/device-calls.ts";
import { reasonOfHomeserverError } from "../../homeserver/error-words.ts";
import { isHomeserverError, isUnknownDevice } from "../../homeserver/errors.ts";
import { backupVersion } from "../../homeserver/key-backup-calls.ts";
import { bad, good, unknown, type Check, type Finding } from "../check.ts";
import { CALL_LIMIT_MS, type Patient } from "../patient.ts";
import type { GhostKeys } from "../../ghost/public-keys.ts";
import { counted } from "../../language/counted.ts";

/** A user's keys as the homeserver publishes them to anybody. */
export interface PublishedKeys {
  /** The Ed25519 keys of the devices, by device id. */
  readonly devices: ReadonlyMap<
    string,
    { readonly fingerprint: string | undefined; readonly signers: readonly string[] }
  >;
  readonly masterKey: string | undefined;
  readonly selfSigningKey: string | undefined;
}

const OPTIONS = { timeoutMs: CALL_LIMIT_MS };

/** A pause of more than these days may be forgotten. */
const LONG_PAUSE_DAYS = 7;

/** Agents that somebody has paused: for a while that is no fault, but the reason why they answer nothing. */
export const pauses: Check = {
  name: "pauses",
  run({ database }) {
    const state = database.kind === "read" ? database.records.state : undefined;
    if (state === undefined) return Promise.resolve([unknown("the database can't be read, so pauses are not known")]);
    return Promise.resolve(judgePauses(state.paused));
  },
};

function judgePauses(paused: readonly Pause[]): Finding[] {
  if (paused.length === 0) return [good("no agent is paused")];
  return paused.map(({ ghost, by, at }) => {
    const resume = `matrix-agents resume ${ghost}`;
    const what = `${ghost} has been paused by ${by} since ${at.toISOString().slice(0, 10)}`;
    const isLong = Date.now() - at.getTime() > LONG_PAUSE_DAYS * 24 * 3_600_000;
    return isLong ? bad(`${what}; perhaps that was forgotten`, resume) : unknown(`${what}; ${resume} ends that`);
  });
}

/** Each agent's one device exists, with the keys that we have. */
export const devices: Check = ofAgents("devices", async (patient, ghosts) => {
  const published = await keysOf(patient.client, ghosts);
  return ghosts.flatMap((ghost) => judgeDevice(ghost, published.get(ghost.userId) ?? NO_KEYS));
});

export function judgeDevice(ghost: GhostKeys, published: PublishedKeys): Finding[] {
  const device = published.devices.get(ghost.deviceId);
  const newDevice = `matrix-agents keys new-device ${ghost.userId}`;
  if (device === undefined) {
    return [
      bad(
        `the device ${ghost.deviceId} of ${ghost.userId} is gone from the homeserver, or has no keys there`,
        newDevice,
      ),
    ];
  }
  const findings: Finding[] = [];
  if (ghost.fingerprint !== undefined && device.fingerprint !== ghost.fingerprint) {
    findings.push(
      bad(
        `the device ${ghost.deviceId} of ${ghost.userId} has other keys at the homeserver than in this database, which may be an old copy or another bridge's`,
        newDevice,
      ),
    );
  }
  const others = [...published.devices.keys()].filter((id) => id !== ghost.deviceId && id !== ghost.replaces);
  if (others.length > 0) {
    findings.push(
      bad(
        `${ghost.userId} has devices that are not this bridge's: ${others.join(", ")}; another bridge with this registration made them, or this bridge with an earlier database`,
        `stop the other bridge; then ${newDevice} leaves one device`,
      ),
    );
  }
  return findings.length > 0 ? findings : [good(`${ghost.userId}: ${ghost.deviceId}`)];
}

/** The number of people who can start to write to an agent while it is away. */
export const oneTimeKeys: Check = ofAgents("one-time-keys", async ({ client, bridge }, ghosts) =>
  Promise.all(
    ghosts.map(async (ghost) => {
      if (ghost.hasToken) return unknown(`${ghost.userId}: only its own token shows them, which the bridge keeps`);
      // An empty upload returns the counts.
      const answer = await keysUpload(client, { userId: ghost.userId, deviceId: ghost.deviceId }, "{}", OPTIONS).catch(
        (error: unknown) => {
          if (isHomeserverError(error) && isUnknownDevice(error)) return undefined;
          throw error;
        },
      );
      if (answer === undefined) return unknown(`${ghost.userId} has no device`);
      const counts = asObject(
        asObject(JSON.parse(answer), "POST keys/upload")["one_time_key_counts"] ?? {},
        "POST keys/upload",
      );
      return judgeOneTimeKeys(ghost.userId, Number(counts["signed_curve25519"] ?? 0), bridge.kind === "running");
    }),
  ),
);

export function judgeOneTimeKeys(userId: string, count: number, isRunning: boolean): Finding {
  if (count > 0) return good(`${userId}: ${count}`);
  return bad(
    `${userId} has no one-time keys left at the homeserver: all who write to it for the first time now use the same fallback key`,
    isRunning
      ? "check the bridge's log: the bridge makes new ones by itself"
      : "start the bridge, which makes new ones: matrix-agents start",
  );
}

/** The published identity is ours, and has signed the device. */
export const crossSigning: Check = ofAgents("cross-signing", async (patient, ghosts) => {
  const published = await keysOf(patient.client, ghosts);
  return ghosts.map((ghost) => judgeIdentity(ghost, published.get(ghost.userId) ?? NO_KEYS));
});

export function judgeIdentity(ghost: GhostKeys, published: PublishedKeys): Finding {
  const { userId, deviceId } = ghost;
  if (ghost.identityRefused) {
    return unknown(
      `${userId}: the homeserver takes no identity from application services, so people's apps show its device as not signed`,
    );
  }
  if (published.masterKey === undefined) {
    return bad(
      `${userId} has no identity at the homeserver: people see a warning beside it`,
      `start the bridge; if that does not help: matrix-agents keys restore ${userId}`,
    );
  }
  if (ghost.masterKey !== undefined && ghost.masterKey !== published.masterKey) {
    return bad(
      `${userId} has another identity at the homeserver than in this database`,
      `matrix-agents keys restore ${userId} with its recovery key; if another bridge made that identity, stop that bridge first`,
    );
  }
  const signers = published.devices.get(deviceId)?.signers ?? [];
  if (published.selfSigningKey === undefined || !signers.includes(`ed25519:${published.selfSigningKey}`)) {
    return bad(
      `the device ${deviceId} of ${userId} is not signed by its identity: people see a warning, and some clients send it nothing`,
      `matrix-agents keys new-device ${userId}`,
    );
  }
  return good(`${userId}: signed`);
}

/** The backup that restores the keys when the database is lost. */
export const backup: Check = ofAgents("backup", async ({ client }, ghosts) =>
  Promise.all(
    ghosts.map(async (ghost) => {
      const version = await backupVersion(client, { userId: ghost.userId }, OPTIONS);
      return judgeBackup(ghost, version);
    }),
  ),
);

export function judgeBackup(
  { userId, backup: state }: Pick<GhostKeys, "userId" | "backup">,
  version: { readonly version: string; readonly count: number } | undefined,
): Finding {
  if (version === undefined) {
    if (state === "not needed yet") return good(`${userId}: no room keys yet`);
    return bad(
      `${userId} has no key backup at the homeserver`,
      "restart the bridge, which makes one; matrix-agents keys backup tells more",
    );
  }
  if (state === "behind") {
    return bad(
      `the homeserver did not take all room keys of ${userId}`,
      "restart the bridge, which tries it again; matrix-agents keys backup tells more",
    );
  }
  return good(`${userId}: ${counted(version.count, "room key", "room keys")}, version ${version.version}`);
}

const NO_KEYS: PublishedKeys = { devices: new Map(), masterKey: undefined, selfSigningKey: undefined };

/** A check of the agents that have a device. */
function ofAgents(
  name: string,
  look: (patient: Patient, ghosts: readonly GhostKeys[]) => Promise<readonly Finding[]>,
): Check {
  return {
    name,
    async run(patient) {
      if (patient.homeserver.kind === "away") return [unknown("the homeserver is away")];
      if (patient.config.encryption.mode === "off") return [unknown("encryption.mode is off, so agents need no keys")];
      const state = patient.database.kind === "read" ? patient.database.records.state : undefined;
      if (state === undefined) return [unknown("the database can't be read, so the agents are not known")];
      const ghosts = state.ghosts.filter(({ deviceMade }) => deviceMade);
      if (ghosts.length === 0)
        return [unknown("no agent has a device yet; an agent gets one when somebody writes to it")];
      try {
        return await look(patient, ghosts);
      } catch (error) {
        if (isHomeserverError(error)) return [unknown(reasonOfHomeserverError(error))];
        throw error;
      }
    },
  };
}

/** An agent asks, without its device, because that works even when the device is gone. */
async function keysOf(
  client: HomeserverClient,
  ghosts: readonly GhostKeys[],
): Promise<ReadonlyMap<string, PublishedKeys>> {
  const call = "POST keys/query";
  const answer = asObject(
    await client.request({
      ...OPTIONS,
      method: "POST",
      path: "/_matrix/client/v3/keys/query",
      body: { device_keys: Object.fromEntries(ghosts.map(({ userId }) => [userId, []])) },
      as: ghosts[0] && { userId: ghosts[0].userId },
    }),
    call,
  );
  const of = (name: string, userId: string): JsonObject =>
    asObject(asObject(answer[name] ?? {}, call)[userId] ?? {}, call);
  return new Map(
    ghosts.map(({ userId }) => [
      userId,
      {
        devices: new Map(
          Object.entries(of("device_keys", userId)).map(([id, device]) => {
            const { keys, signatures } = asObject(device, call);
            const fingerprint = asObject(keys ?? {}, call)[`ed25519:${id}`];
            const signers = Object.keys(asObject(asObject(signatures ?? {}, call)[userId] ?? {}, call));
            return [id, { fingerprint: typeof fingerprint === "string" ? fingerprint : undefined, signers }];
          }),
        ),
        masterKey: onlyKey(of("master_keys", userId)),
        selfSigningKey: onlyKey(of("self_signing_keys", userId)),
      },
    ]),
  );
}

function onlyKey({ keys }: JsonObject): string | undefined {
  const [key] = typeof keys === "object" && keys !== null ? Object.values(keys as Record<string, unknown>) : [];
  return typeof key === "string" ? key : undefined;
}
