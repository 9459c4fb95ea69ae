import type { Deployment } from "./deployment.ts";

/** Whether an agent's backup on the server holds a session's key. */
export async function isBackedUp(
  deployment: Deployment,
  { agent, roomId, sessionId }: { readonly agent: string; readonly roomId: string; readonly sessionId: string },
): Promise<boolean> {
  const [room, session] = [encodeURIComponent(roomId), encodeURIComponent(sessionId)];
  const asAgent = (path: string, query: string): Promise<Response> =>
    fetch(`${deployment.synapse.url}/_matrix/client/v3${path}?user_id=${encodeURIComponent(agent)}${query}`, {
      headers: { authorization: `Bearer ${deployment.files.asToken}` },
    });
  const { version } = (await (await asAgent("/room_keys/version", "")).json()) as { version?: string };
  return version !== undefined && (await asAgent(`/room_keys/keys/${room}/${session}`, `&version=${version}`)).ok;
}
