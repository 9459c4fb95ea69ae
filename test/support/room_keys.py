"""
Makes room keys of sessions that nobody will ever use, each encrypted for a device as an honest client would, as fast as that
goes. One JSON object on standard input says how many; see test/floods/room-keys.ts. What it writes to standard output are the
contents of the to-device messages.
"""

import json
import sys

from forger import MEGOLM, OLM, Forger, canonical, unpadded_base64
from vodozemac import GroupSession


def main(order):
    forger = Forger(order)
    forger.publish()
    session, identity, fingerprint = forger.session_with(order["encryptFor"])
    own_key = forger.account.curve25519_key.to_base64()
    for _ in range(order["count"]):
        group = GroupSession()
        payload = {
            "type": "m.room_key",
            "content": {
                "algorithm": MEGOLM,
                "room_id": order["roomId"],
                "session_id": group.session_id,
                "session_key": group.session_key.to_base64(),
            },
            "sender": order["userId"],
            "sender_device": order["deviceId"],
            "keys": {"ed25519": forger.account.ed25519_key.to_base64()},
            "recipient": order["encryptFor"],
            "recipient_keys": {"ed25519": fingerprint},
        }
        kind, body = session.encrypt(canonical(payload).encode()).to_parts()
        ciphertext = {identity: {"type": kind, "body": unpadded_base64(body)}}
        print(json.dumps({"algorithm": OLM, "sender_key": own_key, "ciphertext": ciphertext}))


main(json.load(sys.stdin))
