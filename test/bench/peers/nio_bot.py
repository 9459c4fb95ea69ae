"""
A bot on matrix-nio, as its documentation has it: joins where it is invited, asks the model what it is told, and says what the
model answers. Its arguments: the homeserver, its user id, its password, the model's server, and a folder for its store.
"""

import asyncio
import sys
import traceback

import aiohttp
from nio import AsyncClient, AsyncClientConfig, InviteMemberEvent, RoomMessageText


async def main(homeserver, user_id, password, model, store):
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
    client = AsyncClient(homeserver, user_id, store_path=store, config=config)
    await client.login(password)
    await client.keys_upload()
    # Earlier messages are not answered.
    await client.sync(timeout=0)

    async with aiohttp.ClientSession() as models:

        async def answer(room, event):
            if event.sender == user_id:
                return
            chat = {"model": "llama3.2", "messages": [{"role": "user", "content": event.body}], "stream": False}
            async with models.post(f"{model}/api/chat", json=chat) as reply:
                said = (await reply.json())["message"]["content"]
            content = {
                "msgtype": "m.text",
                "body": said,
                "m.relates_to": {"m.in_reply_to": {"event_id": event.event_id}},
            }
            await client.room_send(room.room_id, "m.room.message", content, ignore_unverified_devices=True)

        async def join(room, event):
            if event.state_key == user_id and event.membership == "invite":
                await client.join(room.room_id)

        client.add_event_callback(answer, RoomMessageText)
        client.add_event_callback(join, InviteMemberEvent)
        print("ready", flush=True)
        while True:
            try:
                await client.sync_forever(timeout=30000)
            except Exception:
                # matrix-nio gives up where a request or a callback fails; its users begin again.
                traceback.print_exc()
                await asyncio.sleep(1)


asyncio.run(main(*sys.argv[1:]))
