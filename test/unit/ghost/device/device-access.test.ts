import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeviceAccess, withoutDevice } from "../../../../src/ghost/device/device-access.ts";
import type { Actor, HomeserverClient, HomeserverRequest } from "../../../../src/homeserver/client.ts";
import { DeviceGone, isUnknownDevice, MatrixError } from "../../../../src/homeserver/errors.ts";

const DEVICE = { userId: "@agent_llama:example.test", deviceId: "DEVICE" };

function refusal(errcode: string, status = 401): MatrixError {
  return new MatrixError("GET sync", { status, errcode, error: "", retryAfterMs: undefined });
}

/** A homeserver on which only the last token of the device is valid. */
class Homeserver {
  /** The number of logins; the token is made of it. */
  logins = 0;
  isThere = true;
  readonly stored: string[] = [];

  access(token: string | undefined): DeviceAccess {
    const request = ({ method, path }: HomeserverRequest): Promise<unknown> => {
      if (method === "GET" && path.includes("/devices/"))
        return this.isThere ? Promise.resolve({}) : Promise.reject(refusal("M_NOT_FOUND", 404));
      assert.equal(path, "/_matrix/client/v3/login");
      this.logins++;
      return Promise.resolve({ device_id: "DEVICE", access_token: `token ${this.logins}` });
    };
    return new DeviceAccess({
      client: { request } as HomeserverClient,
      device: DEVICE,
      token,
      name: () => "Llama",
      store: (given) => {
        this.stored.push(given);
        return Promise.resolve();
      },
    });
  }

  /** A call that needs a valid token. */
  readonly call = ({ accessToken }: Actor): Promise<string> =>
    accessToken === `token ${this.logins}` ? Promise.resolve(accessToken) : Promise.reject(refusal("M_UNKNOWN_TOKEN"));
}

describe("a call as a device", () => {
  it("names the device where it has no token of its own", async () => {
    assert.deepEqual(await new Homeserver().access(undefined).call((as) => Promise.resolve(as)), DEVICE);
    const user = await withoutDevice(DEVICE.userId).call((as) => Promise.resolve(as));
    assert.deepEqual(user, { userId: DEVICE.userId });
  });

  it("exchanges a token that the homeserver does not know any more, once for all calls, and stores it", async () => {
    const homeserver = new Homeserver();
    const access = homeserver.access("old");
    const answers = await Promise.all([1, 2, 3].map(() => access.call(homeserver.call)));
    assert.deepEqual(answers, ["token 1", "token 1", "token 1"]);
    assert.equal(await access.call(homeserver.call), "token 1");
    assert.deepEqual(homeserver.stored, ["token 1"]);
  });

  it("repeats no other failure", async () => {
    const homeserver = new Homeserver();
    let calls = 0;
    const failing = (): Promise<never> => {
      calls++;
      return Promise.reject(refusal("M_FORBIDDEN", 403));
    };
    await assert.rejects(homeserver.access("token 0").call(failing), { errcode: "M_FORBIDDEN" });
    assert.deepEqual([calls, homeserver.logins], [1, 0]);
  });

  it("fails with the second refusal when the new token is refused too", async () => {
    const homeserver = new Homeserver();
    const never = (): Promise<never> => Promise.reject(refusal("M_UNKNOWN_TOKEN"));
    await assert.rejects(homeserver.access("old").call(never), { errcode: "M_UNKNOWN_TOKEN" });
    assert.equal(homeserver.logins, 1);
  });

  it("never makes a device again that is gone", async () => {
    const homeserver = new Homeserver();
    homeserver.isThere = false;
    const call = homeserver.access("old").call(homeserver.call);
    await assert.rejects(call, (error) => error instanceof DeviceGone && isUnknownDevice(error));
    assert.equal(homeserver.logins, 0);
  });

  for (const [errcode, status] of [
    ["M_FORBIDDEN", 403],
    ["M_INVALID_PARAM", 400],
  ] as const) {
    it(`takes ${errcode} for a missing device only where the device is missing`, async () => {
      const homeserver = new Homeserver();
      const access = homeserver.access(undefined);
      const refused = (): Promise<never> => Promise.reject(refusal(errcode, status));
      await assert.rejects(access.callIfThere(refused), { errcode });
      homeserver.isThere = false;
      await assert.rejects(access.callIfThere(refused), DeviceGone);
    });
  }
});
