import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { DeviceId, initAsync, OlmMachine, UserId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { establishIdentity, IdentityElsewhere, type IdentityOptions } from "../../../src/crypto/identity.ts";
import { Outgoing } from "../../../src/crypto/outgoing.ts";
import { Serial } from "../../../src/concurrency/serial.ts";
import type { DeviceTransport } from "../../../src/crypto/transport.ts";
import { noServerSideKeys } from "../../support/secret-storage.ts";
import { silentLogger } from "../../../src/observability/log.ts";

const GHOST = "@agent_llama:example.test";

/** A server that knows one master key, or none, and keeps what is uploaded. */
function transport(known: boolean): { transport: DeviceTransport; uploads: string[] } {
  const uploads: string[] = [];
  const upload = (body: string): Promise<string> => {
    uploads.push(body);
    return Promise.resolve('{"one_time_key_counts":{"signed_curve25519":50}}');
  };
  const never = (): Promise<never> => Promise.reject(new Error("not to be called"));
  return {
    uploads,
    transport: {
      keysUpload: upload,
      signaturesUpload: upload,
      deviceSigningUpload: upload,
      keysQuery: () => Promise.resolve(JSON.stringify({ device_keys: {}, master_keys: known ? { [GHOST]: {} } : {} })),
      keysClaim: never,
      sendToDevice: never,
      sendRoomMessage: never,
      download: never,
      sync: never,
      awaitNews: never,
    },
  };
}

function secretsOnServer(): Pick<IdentityOptions, "storage" | "keptIdentity"> {
  const { storage, keptIdentity } = noServerSideKeys();
  return { storage, keptIdentity };
}

before(() => initAsync());

describe("a ghost's cross-signing identity", () => {
  it("is made once: a second request uploads the same keys", async () => {
    const machine = await OlmMachine.initialize(new UserId(GHOST), new DeviceId("D"));
    const calls = new Serial();
    const masterKeys: unknown[] = [];
    for (const known of [false, true, true]) {
      const { transport: way, uploads } = transport(known);
      const outgoing = new Outgoing(machine, calls, way, silentLogger());
      await establishIdentity({
        userId: GHOST,
        deviceId: "D",
        ...secretsOnServer(),
        machine,
        calls,
        outgoing,
        transport: way,
      });
      outgoing.close();
      const signing = uploads.map((body) => JSON.parse(body) as { master_key?: unknown });
      masterKeys.push(signing.find(({ master_key }) => master_key !== undefined)?.master_key);
    }
    assert.ok(masterKeys[0]);
    assert.deepEqual(masterKeys[1], masterKeys[0]);
    assert.deepEqual(masterKeys[2], masterKeys[0]);
  });

  it("never replaces one that is on the server already", async () => {
    const machine = await OlmMachine.initialize(new UserId(GHOST), new DeviceId("D"));
    const calls = new Serial();
    const { transport: way, uploads } = transport(true);
    const outgoing = new Outgoing(machine, calls, way, silentLogger());
    await assert.rejects(
      establishIdentity({
        userId: GHOST,
        deviceId: "D",
        ...secretsOnServer(),
        machine,
        calls,
        outgoing,
        transport: way,
      }),
      IdentityElsewhere,
    );
    assert.deepEqual(uploads, []);
    outgoing.close();
  });
});
