import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import { Outgoing } from "../../../src/crypto/outgoing.ts";
import { Serial } from "../../../src/concurrency/serial.ts";
import type { DeviceTransport } from "../../../src/crypto/transport.ts";
import { silentLogger } from "../../../src/observability/log.ts";

/** A machine that has these requests until they are sent. */
function machineWith(...requests: { readonly id: string }[]): engine.OlmMachine {
  const listed = new Map(requests.map((request) => [request.id, request]));
  return {
    outgoingRequests: () => Promise.resolve([...listed.values()]),
    markRequestAsSent: (id: string) => Promise.resolve(listed.delete(id)),
  } as unknown as engine.OlmMachine;
}

function messageFor(room: string): engine.RoomMessageRequest {
  return new engine.RoomMessageRequest(`for ${room}`, room, "txn", "m.key.verification.ready", "{}");
}

describe("the messages of verifications in rooms", () => {
  before(() => engine.initAsync());

  function outgoing(machine: engine.OlmMachine, sendToRoom: (roomId: string) => Promise<string>): Outgoing {
    const transport = { keysQuery: () => Promise.resolve("{}") } as unknown as DeviceTransport;
    return new Outgoing(machine, new Serial(), transport, silentLogger(), ({ room_id: roomId }) => sendToRoom(roomId));
  }

  it("that fail wait for their own retry time, however often other requests are sent", async () => {
    const tried: string[] = [];
    const machine = machineWith(messageFor("!bad:a.b"), messageFor("!good:a.b"));
    const requests = outgoing(machine, (roomId) => {
      tried.push(roomId);
      return roomId === "!bad:a.b" ? Promise.reject(new Error("forbidden")) : Promise.resolve('{"event_id":"$e"}');
    });
    for (let round = 0; round < 20; round++) await requests.drain();
    assert.deepEqual(tried, ["!bad:a.b", "!good:a.b"]);
    requests.close();
  });

  it("may ask for keys before they leave", async () => {
    let isSent = false;
    const requests = outgoing(machineWith(messageFor("!room:a.b")), async () => {
      await requests.drainBeforeSharing();
      isSent = true;
      return '{"event_id":"$e"}';
    });
    await requests.drain();
    assert.equal(isSent, true);
    requests.close();
  });
});
