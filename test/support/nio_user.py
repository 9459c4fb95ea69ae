"""One user on matrix-nio. Started by user.ts; the protocol is described in user-protocol.ts."""

import asyncio
import json
import os
import sys
import tempfile

import aiohttp
from nio import (
    AsyncClient,
    AsyncClientConfig,
    EncryptionError,
    KeysUploadError,
    LoginError,
    MegolmEvent,
    ReceiptEvent,
    RoomSendError,
    SyncError,
    TypingNoticeEvent,
)


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def describe(room_id, wire, decrypted=None):
    """A SeenEvent of an event as it came and, if it was encrypted and could be read, as it is."""
    source = decrypted or wire
    encrypted = wire["type"] == "m.room.encrypted"
    seen = {
        "roomId": room_id,
        "eventId": wire["event_id"],
        "sender": wire["sender"],
        "type": source["type"],
        "content": {} if encrypted and decrypted is None else source["content"],
        "encrypted": encrypted,
        "wireContent": wire["content"],
    }
    if wire["type"] == "m.room.redaction":
        seen["redacts"] = wire.get("redacts") or wire["content"].get("redacts")
    return seen


class User(AsyncClient):
    """nio replaces an encrypted event by the decrypted one; this client tells of both."""

    def __init__(self, url, user_id, store):
        config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
        super().__init__(url, user_id, store_path=store, config=config)
        self.unreadable = {}
        self.add_ephemeral_callback(self._tell_typing, TypingNoticeEvent)
        self.add_ephemeral_callback(self._tell_receipts, ReceiptEvent)

    def _handle_timeline_event(self, event, room_id, room, encrypted_rooms):
        # A copy: decrypting adds the relation of the outer content to the inner one.
        wire = json.loads(json.dumps(event.source))
        decrypted = super()._handle_timeline_event(event, room_id, room, encrypted_rooms)
        if "state_key" not in wire and "content" in wire:
            seen = describe(room_id, wire, decrypted.source if decrypted else None)
            if isinstance(event, MegolmEvent) and decrypted is None:
                self.unreadable[event.event_id] = (event, wire)
                seen["decryptionError"] = self._why_unreadable(event)
            say({"event": "timeline", "seen": seen})
        return decrypted

    def _why_unreadable(self, event):
        try:
            self.decrypt_event(event)
        except EncryptionError as error:
            return str(error)
        return "unknown reason"

    def retry_unreadable(self):
        for event_id, (event, wire) in list(self.unreadable.items()):
            try:
                decrypted = self.decrypt_event(event)
            except EncryptionError:
                continue
            del self.unreadable[event_id]
            say({"event": "timeline", "seen": describe(event.room_id, wire, decrypted.source)})

    async def _tell_typing(self, room, event):
        say({"event": "typing", "roomId": room.room_id, "userIds": event.users})

    async def _tell_receipts(self, room, event):
        for receipt in event.receipts:
            say({"event": "receipt", "roomId": room.room_id, "userId": receipt.user_id, "eventId": receipt.event_id})

    async def begin(self, password):
        login = await self.login(password, device_name="matrix-nio")
        if isinstance(login, LoginError):
            raise RuntimeError(f"login: {login}")
        uploaded = await self.keys_upload()
        if isinstance(uploaded, KeysUploadError):
            raise RuntimeError(f"keys: {uploaded}")
        await self.sync_once(timeout=0)

    async def sync_once(self, timeout):
        response = await self.sync(timeout=timeout, sync_filter={"room": {"timeline": {"limit": 100}}})
        if isinstance(response, SyncError):
            raise aiohttp.ClientError(str(response))
        await self.settle_keys()
        self.retry_unreadable()

    async def settle_keys(self):
        if self.should_upload_keys:
            await self.keys_upload()
        if self.should_query_keys:
            await self.keys_query()
        if self.should_claim_keys:
            await self.keys_claim(self.get_users_for_key_claiming())
        await self.send_to_device_messages()

    async def sync_until_stopped(self):
        while True:
            try:
                await self.sync_once(timeout=30000)
            except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
                print(f"sync failed, trying again: {error!r}", file=sys.stderr)
                await asyncio.sleep(0.5)

    async def wait_room(self, room_id, encrypted):
        for _ in range(600):
            room = self.rooms.get(room_id)
            if room is not None and (room.encrypted or not encrypted):
                return
            await asyncio.sleep(0.025)
        raise RuntimeError(f"matrix-nio does not know the room {room_id}")

    async def send_event(self, room_id, event_type, content):
        await self.wait_room(room_id, False)
        # room_send asks for keys only in rooms whose members it does not know yet.
        if self.rooms[room_id].encrypted and self.should_query_keys:
            await self.keys_query()
        sent = await self.room_send(room_id, event_type, content, ignore_unverified_devices=True)
        if isinstance(sent, RoomSendError):
            raise RuntimeError(f"send: {sent}")
        return sent.event_id

    def members(self, room_id):
        room = self.rooms.get(room_id)
        if room is None:
            return {}
        return {user_id: "invite" if user_id in room.invited_users else "join" for user_id in room.users}


class Session:
    def __init__(self, store):
        self.store = store
        self.user = None
        self.syncing = None

    async def answer(self, line):
        request = json.loads(line)
        try:
            result = await self.handle(request["cmd"], request["args"])
            say({"id": request["id"], "ok": True, "result": result})
        except Exception as error:  # whatever went wrong is the asker's to know
            say({"id": request["id"], "ok": False, "error": f"{type(error).__name__}: {error}"})

    async def handle(self, cmd, args):
        if cmd == "start":
            user = User(args["url"], args["userId"], self.store)
            await user.begin(args["password"])
            self.user = user
            self.syncing = asyncio.create_task(user.sync_until_stopped())
            return {"userId": user.user_id, "deviceId": user.device_id, "accessToken": user.access_token}
        if cmd == "waitRoom":
            return await self.user.wait_room(args["roomId"], args["encrypted"])
        if cmd == "send":
            return await self.user.send_event(args["roomId"], args["type"], args["content"])
        if cmd == "members":
            return self.user.members(args["roomId"])
        if cmd == "rotateSession":
            return self.user.invalidate_outbound_session(args["roomId"])
        raise RuntimeError(f"matrix-nio has no {cmd}")


async def main():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**22)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    with tempfile.TemporaryDirectory(prefix="nio-") as store:
        session = Session(store)
        running = set()
        while line := await reader.readline():
            task = asyncio.create_task(session.answer(line))
            running.add(task)
            task.add_done_callback(running.discard)
    # Nothing is left to tell, and nobody to tell it to: no need to wait for a sync under way.
    os._exit(0)


asyncio.run(main())
