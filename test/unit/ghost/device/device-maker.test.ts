import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pino } from "pino";
import { DeviceMaker, DevicesRefused } from "../../../../src/ghost/device/device-maker.ts";
import type { HomeserverClient, HomeserverRequest } from "../../../../src/homeserver/client.ts";
import { MatrixError } from "../../../../src/homeserver/errors.ts";

const USER = "@agent_llama:example.test";

type Answer = object | MatrixError;

/** A homeserver with these answers, by method and the end of the path; it refuses all else as unknown. */
function homeserver(answers: Readonly<Record<string, (asked: HomeserverRequest) => Answer>>): {
  readonly maker: DeviceMaker;
  readonly calls: string[];
  readonly log: { readonly level: number; readonly msg: string; readonly homeserver?: string }[];
} {
  const calls: string[] = [];
  const log: { level: number; msg: string }[] = [];
  const request = (asked: HomeserverRequest): Promise<unknown> => {
    const end = asked.path.replace(/^.*\/(?=[^/]+$)/, "");
    const call = `${asked.method} ${asked.path.includes("/devices/") ? "device" : end}`;
    calls.push(call);
    const answer = answers[call]?.(asked) ?? refusal(404, "M_UNRECOGNIZED");
    return answer instanceof MatrixError ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line) as (typeof log)[number]) });
  const client = { request } as HomeserverClient;
  return { maker: new DeviceMaker(client, logger), calls, log };
}

function refusal(status: number, errcode: string): MatrixError {
  return new MatrixError("PUT device", { status, errcode, error: "no", retryAfterMs: undefined });
}

function device(deviceId: string): { readonly userId: string; readonly deviceId: string } {
  return { userId: USER, deviceId };
}

const asAsked = ({ as }: HomeserverRequest): Answer => ({ user_id: USER, device_id: as?.deviceId });
const login = ({ body }: HomeserverRequest): Answer => {
  const { device_id } = body as { device_id: string };
  return { device_id, access_token: `token of ${device_id}` };
};

describe("making devices", () => {
  it("takes one call more for the first device of a process, where the homeserver knows devices by their ids", async () => {
    const { maker, calls } = homeserver({ "PUT device": () => ({}), "GET whoami": asAsked });
    assert.equal(await maker.make(device("A"), "Llama"), undefined);
    assert.equal(await maker.make(device("B"), "Max"), undefined);
    assert.deepEqual(calls, ["PUT device", "GET whoami", "PUT device"]);
  });

  it("signs the user in where the homeserver makes no devices, and then asks for no other way", async () => {
    const { maker, calls } = homeserver({ "PUT device": () => refusal(404, "M_FORBIDDEN"), "POST login": login });
    assert.equal(await maker.make(device("A"), "Llama"), "token of A");
    assert.equal(await maker.make(device("B"), "Max"), "token of B");
    assert.deepEqual(calls, ["PUT device", "POST login", "POST login"]);
  });

  it("signs the user in where the device exists but the homeserver does not see us as it", async () => {
    const { maker } = homeserver({
      "PUT device": () => ({}),
      "GET whoami": () => ({ user_id: USER, device_id: "AS_Device" }),
      "POST login": login,
    });
    assert.equal(await maker.make(device("A"), "Llama"), "token of A");
  });

  it("says once in the log that there are none, with the homeserver's name, and asks it no more for a while", async () => {
    const { maker, calls, log } = homeserver({
      "PUT device": () => refusal(404, "M_NOT_FOUND"),
      "POST login": () => refusal(403, "M_FORBIDDEN"),
      "GET version": () => ({ server: { name: "Other", version: "1.0" } }),
    });
    for (const id of ["A", "B"]) await assert.rejects(maker.make(device(id), "Llama"), DevicesRefused);
    assert.deepEqual(calls, ["PUT device", "POST login", "GET version"]);
    assert.equal(log.length, 1);
    assert.equal(log[0]?.homeserver, "Other 1.0");
    assert.match(log[0].msg, /gives application services no devices/);
  });

  for (const [what, status, errcode] of [
    ["is busy", 429, "M_LIMIT_EXCEEDED"],
    ["fails", 500, "M_UNKNOWN"],
    ["does not know the registration", 401, "M_UNKNOWN_TOKEN"],
  ] as const) {
    it(`learns nothing from a homeserver that ${what}`, async () => {
      let fails = true;
      const { maker, calls } = homeserver({
        "PUT device": () => (fails ? refusal(status, errcode) : {}),
        "GET whoami": asAsked,
      });
      await assert.rejects(maker.make(device("A"), "Llama"), { errcode });
      fails = false;
      assert.equal(await maker.make(device("A"), "Llama"), undefined);
      assert.ok(!calls.includes("POST login"));
    });
  }

  it("takes no device with another id than it asked for", async () => {
    const { maker } = homeserver({
      "PUT device": () => refusal(404, "M_NOT_FOUND"),
      "POST login": () => ({ device_id: "OTHER", access_token: "t" }),
    });
    await assert.rejects(maker.make(device("A"), "Llama"), /another device than it was asked for/);
  });
});
