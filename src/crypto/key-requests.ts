import { MatrixError, UnexpectedAnswer } from "../homeserver/errors.ts";
import { serverOf } from "../matrix/server-name.ts";
import { isObject, objectOf, type JsonObject } from "../matrix/json.ts";

/** What is asked for: devices of users, or one-time keys of their devices. */
export type WantedKeys = "device_keys" | "one_time_keys";

/** So many requests are made at the most to find out whose answer spoils a request. */
const MOST_REQUESTS = 40;

/**
 * Asks the homeserver for keys of users, who may be on many servers, and resolves with an answer that the engine reads.
 * The homeserver hands on what other servers say, and a single one that says rubbish would leave the engine without
 * everybody's keys. So an entry that is none is left out; and where the homeserver itself breaks over the answer of another
 * server (500, or no answer that can be read), that server is found by halves and counts as one that is away (`failures`).
 * Rejects with what `ask` rejects with in all other cases, and where our own server is the one that fails.
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
      // Whoever is left then is asked for again later, and the keys of all others are there.
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
 * An answer to a request for keys without what the engine can't read: whoever's devices are no map, ids that are no text a
 * parser takes, and one-time keys that are none. It passes over a device's rubbish by itself.
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

/** Whether an answer, and not the way to it, is what is wrong. */
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
