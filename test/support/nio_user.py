"""One user on matrix-nio. Started by user.ts; the protocol is described in user-protocol.ts."""

import asyncio
import base64
import hashlib
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
from nio.api import Api
from nio.crypto import Sas
from nio.crypto.attachments import decrypt_attachment


def meet_the_specification():
    """
    matrix-nio 0.26 can verify nobody but itself since it uses vodozemac: it expects the commitment in hexadecimal instead
    of unpadded base64, takes the indices of the emoji for bits of them, and offers the old code with the base64 of the new.
    """

    def check_commitment(self, key):
        start = Api.to_canonical_json(self.start_verification().content)
        digest = hashlib.sha256((key + start).encode()).digest()
        return self.commitment == base64.b64encode(digest).decode().rstrip("=")

    def generate_emoji(self, extra_info):
        return [self.emoji[index] for index in self.established_sas.bytes(extra_info).emoji_indices]

    Sas._check_commitment = check_commitment
    Sas._generate_emoji = generate_emoji
    Sas._mac_normal = "hkdf-hmac-sha256.v2"
    Sas._mac_v1 = [Sas._mac_normal]


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
        self.verification = None
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
        def known():
            room = self.rooms.get(room_id)
            return room is not None and (room.encrypted or not encrypted)

        await self.until(f"the room {room_id}", known)

    async def send_event(self, room_id, event_type, content):
        await self.wait_room(room_id, False)
        # room_send asks for keys only in rooms whose members it does not know yet.
        if self.rooms[room_id].encrypted and self.should_query_keys:
            await self.keys_query()
        sent = await self.room_send(room_id, event_type, content, ignore_unverified_devices=True)
        if isinstance(sent, RoomSendError):
            raise RuntimeError(f"send: {sent}")
        return sent.event_id

    async def verify(self, user_id, device_id):
        """Starts a verification by emoji, as nio does: without a request, by to-device messages."""
        await self.follow(user_id)
        before = set(self.key_verifications)
        await self.start_key_verification(self.device_store[user_id][device_id])
        (started,) = set(self.key_verifications) - before
        sas = self.verification = self.key_verifications[started]
        await self.until("the emoji to be known", lambda: sas.canceled or sas.established_sas)
        if sas.canceled:
            raise RuntimeError(f"cancelled: {sas.cancel_code}")
        return [emoji for emoji, _ in sas.get_emoji()]

    async def finish_verification(self, match):
        sas = self.verification
        if not sas.canceled and match:
            await self.confirm_short_auth_string(sas.transaction_id)
        elif not sas.canceled:
            await self.cancel_key_verification(sas.transaction_id, reject=True)
        await self.until("the verification to end", lambda: sas.canceled or sas.verified)
        return {"done": True} if sas.verified else {"done": False, "cancelled": sas.cancel_code}

    async def follow(self, user_id):
        if not any(True for _ in self.device_store.active_user_devices(user_id)):
            self.olm.users_for_key_query.add(user_id)
            await self.keys_query()

    async def until(self, what, condition):
        for _ in range(600):
            if condition():
                return
            await asyncio.sleep(0.025)
        raise RuntimeError(f"matrix-nio waited in vain for {what}")

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
        if cmd == "verify":
            return await self.user.verify(args["userId"], args["deviceId"])
        if cmd == "finishVerification":
            return await self.user.finish_verification(args["match"])
        if cmd == "block":
            await self.user.follow(args["userId"])
            for device in self.user.device_store.active_user_devices(args["userId"]):
                self.user.blacklist_device(device)
            return None
        if cmd == "isVerified":
            devices = list(self.user.device_store.active_user_devices(args["userId"]))
            return bool(devices) and all(device.verified for device in devices)
        if cmd == "members":
            return self.user.members(args["roomId"])
        if cmd == "rotateSession":
            return self.user.invalidate_outbound_session(args["roomId"])
        if cmd == "decryptFile":
            key, hash, iv = args["file"]["key"]["k"], args["file"]["hashes"]["sha256"], args["file"]["iv"]
            return base64.b64encode(decrypt_attachment(base64.b64decode(args["bytes"]), key, hash, iv)).decode()
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


meet_the_specification()
asyncio.run(main())
