"""
Hands a room key to a device as no honest client would. One JSON object on standard input says how; see forger.ts. What it
writes to standard output is an event that was encrypted with that key.
"""

import base64
import json
import sys
import urllib.request
import uuid

from vodozemac import Account, Curve25519PublicKey, GroupSession

OLM = "m.olm.v1.curve25519-aes-sha2"
MEGOLM = "m.megolm.v1.aes-sha2"


def canonical(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


class Forger:
    def __init__(self, order):
        self.order = order
        self.account = Account()

    def request(self, method, path, body):
        request = urllib.request.Request(
            f"{self.order['url']}/_matrix/client/v3{path}",
            method=method,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.order['accessToken']}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def publish(self):
        user, device = self.order["userId"], self.order["deviceId"]
        keys = {
            "user_id": user,
            "device_id": device,
            "algorithms": [OLM, MEGOLM],
            "keys": {
                f"curve25519:{device}": self.account.curve25519_key.to_base64(),
                f"ed25519:{device}": self.account.ed25519_key.to_base64(),
            },
        }
        signature = self.account.sign(canonical(keys).encode()).to_base64()
        keys["signatures"] = {user: {f"ed25519:{device}": signature}}
        self.request("POST", "/keys/upload", {"device_keys": keys})

    def session_with(self, user):
        devices = self.request("POST", "/keys/query", {"device_keys": {user: []}})["device_keys"][user]
        ((device, keys),) = devices.items()
        claimed = self.request("POST", "/keys/claim", {"one_time_keys": {user: {device: "signed_curve25519"}}})
        ((_, one_time_key),) = claimed["one_time_keys"][user][device].items()
        identity = keys["keys"][f"curve25519:{device}"]
        session = self.account.create_outbound_session(
            Curve25519PublicKey.from_base64(identity), Curve25519PublicKey.from_base64(one_time_key["key"])
        )
        return session, identity, keys["keys"][f"ed25519:{device}"]

    def run(self):
        self.publish()
        order = self.order
        session, identity, fingerprint = self.session_with(order["encryptFor"])
        group = GroupSession()
        room_key = {
            "algorithm": MEGOLM,
            "room_id": order["roomId"],
            "session_id": group.session_id,
            "session_key": group.session_key.to_base64(),
        }
        payload = {
            "type": "m.room_key",
            "content": room_key,
            "sender": order["userId"],
            "sender_device": order["deviceId"],
            "keys": {"ed25519": self.account.ed25519_key.to_base64()},
            "recipient": order["encryptFor"],
            "recipient_keys": {"ed25519": fingerprint},
            **order["change"],
        }
        own_key = self.account.curve25519_key.to_base64()
        if order["clear"]:
            event_type, content = "m.room_key", room_key
        else:
            kind, body = session.encrypt(canonical(payload).encode()).to_parts()
            event_type = "m.room.encrypted"
            content = {
                "algorithm": OLM,
                "sender_key": own_key,
                "ciphertext": {identity: {"type": kind, "body": unpadded_base64(body)}},
            }
        for _ in range(2):
            self.request(
                "PUT",
                f"/sendToDevice/{event_type}/{uuid.uuid4()}",
                {"messages": {order["deliverTo"]: {"*": content}}},
            )
        message = {
            "type": "m.room.message",
            "room_id": order["roomId"],
            "content": {"msgtype": "m.text", "body": "said with a key of doubtful origin"},
        }
        return {
            "algorithm": MEGOLM,
            "sender_key": own_key,
            "device_id": order["deviceId"],
            "session_id": group.session_id,
            "ciphertext": group.encrypt(canonical(message).encode()).to_base64(),
        }


def unpadded_base64(data):
    return base64.b64encode(data).decode().rstrip("=")


if __name__ == "__main__":
    json.dump(Forger(json.load(sys.stdin)).run(), sys.stdout)
