import { MatrixError, UnexpectedAnswer } from "../homeserver/errors.ts";
import { serverOf } from "../matrix/server-name.ts";
import { isObject, objectOf, type JsonObject } from "../matrix/json.ts";

/** The keys a request asks for: devices of users, or one-time keys of their devices. */
export type WantedKeys = "device_keys" | "one_time_keys";

/** The most requests that are made to find the server whose answer spoils a request. */
const MOST_REQUESTS = 40;

/**
 * Asks the homeserver for keys of users, who may be on many servers, and resolves with an answer that the engine can
 * read. The homeserver passes on the answers of other servers, and a single malformed one would leave the engine
 * without anybody's keys. So a malformed entry is left out. Where the homeserver itself fails over another server's
 * answer (500, or an unreadable answer), a binary search finds that server, and it counts as unreachable (`failures`).
 * Rejects with the error of `ask` in all other cases, and when our own server is the one that fails.
 *
 * @param request the engine's request, as JSON.
 * @param wanted the part of the request that lists users.
 * @param ownServer the name of our homeserver.
 */
export async function askForKeys(
  ask: (request: string) => Promise<string>,
  { request, wanted, ownServer }: { readonly request: string; readonly wanted: WantedKeys; readonly ownServer: string },
): Promise<JsonObject> {
  const body = JSON.parse(request) as JsonObject;
  const users = objectOf(body[wanted]);
  let left = MOST_REQUESTS;
  const askFor = async (ids: readonly string[]): Promise<JsonObject> => {
    left--;
    try {
      const part = Object.fromEntries(ids.map((id) => [id, users[id]]));
      return readableAnswer(JSON.parse(await ask(JSON.stringify({ ...body, [wanted]: part }))));
    } catch (error) {
      const servers = [...new Set(ids.map(serverOf))];
      if (!isSpoiled(error) || servers.every((server) => server === ownServer)) throw error;
      const isOwn = servers.includes(ownServer);
      // The users of this server are asked for again later; the keys of all others have arrived.
      if (!isOwn && (servers.length === 1 || left <= 0)) {
        return { [wanted]: {}, failures: Object.fromEntries(servers.map((server) => [server, {}])) };
      }
      const half = new Set(isOwn ? [ownServer] : servers.slice(0, Math.ceil(servers.length / 2)));
      const [some, others] = [ids.filter((id) => half.has(serverOf(id))), ids.filter((id) => !half.has(serverOf(id)))];
      return merged(await askFor(some), await askFor(others));
    }
  };
  return askFor(Object.keys(users));
}

/**
 * Removes from an answer every entry that the engine can't read: devices that are no map, ids that a parser refuses,
 * malformed one-time keys. The engine itself skips a malformed device.
 */
export function readableAnswer(answer: unknown): JsonObject {
  const { device_keys: devices, one_time_keys: keys, ...others } = objectOf(answer);
  const isReadable = ([id, entry]: [string, unknown]): boolean => id.isWellFormed() && isObject(entry);
  const entries = (value: unknown): [string, unknown][] => Object.entries(objectOf(value)).filter(isReadable);
  const ofUsers = (value: unknown, read: (entry: unknown) => unknown): JsonObject =>
    Object.fromEntries(entries(value).map(([id, entry]) => [id, read(entry)]));
  const wellFormed = (value: unknown): JsonObject =>
    Object.fromEntries(Object.entries(objectOf(value)).filter(([id]) => id.isWellFormed()));
  return {
    ...others,
    ...(devices === undefined ? {} : { device_keys: ofUsers(devices, wellFormed) }),
    ...(keys === undefined
      ? {}
      : {
          one_time_keys: ofUsers(keys, (ofDevices) =>
            ofUsers(ofDevices, (ofDevice) =>
              Object.fromEntries(Object.entries(wellFormed(ofDevice)).filter(([id]) => id.indexOf(":") > 0)),
            ),
          ),
        }),
  };
}

/** Whether the answer is malformed, rather than the connection broken. */
function isSpoiled(error: unknown): boolean {
  return (
    (error instanceof MatrixError && error.status === 500) ||
    error instanceof UnexpectedAnswer ||
    error instanceof SyntaxError
  );
}

function merged(one: JsonObject, other: JsonObject): JsonObject {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...names].map((name) => [name, { ...objectOf(one[name]), ...objectOf(other[name]) }]));
}
