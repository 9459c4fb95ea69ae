import { setTimeout as sleep } from "node:timers/promises";
import { Method, type MatrixClient } from "matrix-js-sdk";
import { RustBackupManager } from "matrix-js-sdk/lib/rust-crypto/backup.js";

/**
 * The SDK lets each upload of room keys wait for up to 10 s, so that many clients do not come at once. Here there is
 * one client, and it may end a second after an answer.
 */
export function backUpAtOnce(): void {
  Object.assign(RustBackupManager, { maxBackupLoopStartDelayMillis: 0 });
}

/**
 * Waits until all room keys of this device are in the person's backup, for at most `timeoutMs`. The person's other
 * devices can't read messages whose keys are missing there when this device goes.
 */
export async function finishBackup(client: MatrixClient, timeoutMs: number): Promise<void> {
  const crypto = client.getCrypto();
  const version = await crypto?.getActiveSessionBackupVersion();
  if (crypto === undefined || version == null) return;
  const sessions = (await crypto.exportRoomKeys()).map(({ session_id }) => session_id);
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    const kept = await keptSessions(client, version);
    if (sessions.every((id) => kept.has(id))) return;
    await sleep(100);
  }
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeys */
async function keptSessions(client: MatrixClient, version: string): Promise<Set<string>> {
  const { rooms } = await client.http.authedRequest<{ rooms: Record<string, { sessions: object }> }>(
    Method.Get,
    "/room_keys/keys",
    { version },
  );
  return new Set(Object.values(rooms).flatMap(({ sessions }) => Object.keys(sessions)));
}
