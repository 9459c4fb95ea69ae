/**
 * The kind of a call to the homeserver, for metrics: a word from a short list, never an id. A call under
 * `/rooms/{roomId}` is named after the next segment.
 *
 * @param isLongPoll whether the homeserver may hold the request until something happens.
 */
export function endpointOf(path: string, isLongPoll = false): string {
  const [, first = "", second = "", third = ""] =
    /^\/_matrix\/(?:client|media|federation)\/(?:v\d+\/)?([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?/.exec(path) ?? [];
  switch (first) {
    case "sync":
      return isLongPoll ? "watch" : "sync";
    case "rooms":
      return known(third);
    case "user":
      return known(third);
    case "keys":
      return known(`keys_${second}`);
    case "appservice":
      return "ping";
    case "download":
      return "media";
    default:
      return known(first);
  }
}

/** Calls whose paths have names that people would not use. */
const NAMES: Readonly<Record<string, string>> = {
  account: "whoami",
  createRoom: "create_room",
  account_data: "account_data",
  devices: "devices",
  event: "event",
  join: "join",
  joined_rooms: "joined_rooms",
  keys_changes: "keys_changes",
  keys_claim: "keys_claim",
  keys_device_signing: "keys_signing",
  keys_query: "keys_query",
  keys_signatures: "keys_signing",
  keys_upload: "keys_upload",
  leave: "leave",
  media: "media",
  members: "members",
  messages: "messages",
  auth_metadata: "auth_metadata",
  login: "login",
  logout: "login",
  profile: "profile",
  receipt: "receipt",
  redact: "redact",
  register: "register",
  room_keys: "key_backup",
  room_summary: "summary",
  send: "send",
  sendToDevice: "send_to_device",
  state: "state",
  typing: "typing",
  upload: "media",
  version: "versions",
  versions: "versions",
};

function known(name: string): string {
  return Object.hasOwn(NAMES, name) ? (NAMES[name] ?? "other") : "other";
}
