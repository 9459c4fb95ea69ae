// Bots on matrix-js-sdk, all in this process, their stores in memory: they join where they are invited, ask the model what they are
// told, and say what the model answers. Arguments: the homeserver, the password, the model's server, and the user ids.
import {
  ClientEvent,
  createClient,
  MsgType,
  RoomEvent,
  RoomMemberEvent,
  SyncState,
  type MatrixClient,
  type MatrixEvent,
} from "matrix-js-sdk";
import type { RoomMessageEventContent } from "matrix-js-sdk/lib/types.js";

const [homeserver = "", password = "", model = "", ...userIds] = process.argv.slice(2);

const nothing = (): void => undefined;
/** The SDK writes much by default. */
const SILENT = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing, getChild: () => SILENT };

for (const userId of userIds) await start(userId);
console.log("ready");

async function start(userId: string): Promise<void> {
  const login = await createClient({ baseUrl: homeserver, logger: SILENT }).loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: userId },
    password,
  });
  const client = createClient({
    baseUrl: homeserver,
    userId,
    accessToken: login.access_token,
    deviceId: login.device_id,
    logger: SILENT,
  });
  await client.initRustCrypto({ useIndexedDB: false });
  client.on(RoomMemberEvent.Membership, (_event, member) => {
    if (member.userId === userId && member.membership === "invite") act(client.joinRoom(member.roomId));
  });
  client.on(RoomEvent.Timeline, (event) => act(answer(client, event)));
  const synced = new Promise<void>((resolve) => {
    client.on(ClientEvent.Sync, (state) => {
      if (state === SyncState.Prepared) resolve();
    });
  });
  await client.startClient({ initialSyncLimit: 1 });
  await synced;
}

async function answer(client: MatrixClient, event: MatrixEvent): Promise<void> {
  await client.decryptEventIfNeeded(event);
  const [roomId, eventId, content] = [event.getRoomId(), event.getId(), event.getContent()];
  if (roomId === undefined || eventId === undefined || event.getSender() === client.getUserId()) return;
  if (event.getType() !== "m.room.message") return;
  const reply = await fetch(`${model}/api/chat`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "llama3.2",
      messages: [{ role: "user", content: content["body"] as unknown }],
      stream: false,
    }),
  });
  const { message } = (await reply.json()) as { message: { content: string } };
  const said: RoomMessageEventContent = {
    msgtype: MsgType.Text,
    body: message.content,
    "m.relates_to": { "m.in_reply_to": { event_id: eventId } },
  };
  await client.sendMessage(roomId, said);
}

/** A bot that fails ends all of them: otherwise the measurement would not be of the stated number. */
function act(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}
