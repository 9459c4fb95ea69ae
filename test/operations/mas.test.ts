import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dump } from "js-yaml";
import { startBridge, writeBridgeConfig, type RunningBridge } from "../support/bridge.ts";
import { runCommand } from "../support/command.ts";
import { layEmbedded } from "../support/embedded.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { DOMAIN, startHomeserver } from "../support/homeserver.ts";
import { requestAs } from "../support/matrix-request.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import type { Synapse } from "../../quickstart/synapse.ts";

const PERSON = `@alice:${DOMAIN}`;
const AGENT = `@agent_demo:${DOMAIN}`;
const TOKEN = "token-of-another-application-service";
/** The secret with which MAS asks Synapse. */
const SECRET = "a-secret";

/**
 * A homeserver that leaves logging in to the Matrix Authentication Service, which is not there: everybody who needs it
 * fails. So the person is a user of another application service, and can't have a client that encrypts.
 */
describe("a homeserver on MAS", () => {
  let config: string;
  let synapse: Synapse;
  let bridge: RunningBridge;
  let request: ReturnType<typeof requestAs>;

  before(async () => {
    const [directory, port, bridgePort] = [await temporaryDirectory("mas"), await freePort(), await freePort()];
    const homeserver = { url: `http://127.0.0.1:${port}`, serverName: DOMAIN };
    const files = await writeBridgeConfig({ directory, homeserver, port: bridgePort });
    await layEmbedded(join(directory, "data", "database"));
    const people = join(directory, "people.yaml");
    const users = [{ exclusive: true, regex: `${PERSON}$` }];
    const namespaces = { users, aliases: [], rooms: [] };
    const tokens = { as_token: TOKEN, hs_token: "another" };
    await writeFile(people, dump({ id: "people", url: null, sender_localpart: "people", ...tokens, namespaces }));
    synapse = await startHomeserver({
      port,
      registrations: [files.registration, people],
      extraConfig: {
        matrix_authentication_service: { enabled: true, endpoint: "http://127.0.0.1:1/", secret: SECRET },
        password_config: { enabled: false },
      },
    });
    ({ config } = files);
    bridge = await startBridge({ config });
    request = requestAs(synapse.url, TOKEN);
  });
  after(async () => {
    await bridge.stop();
    await synapse.stop();
  });

  it("has no /login, and its agents answer, with devices that they have signed", async () => {
    assert.equal((await fetch(`${synapse.url}/_matrix/client/v3/login`)).status, 404);
    const as = `user_id=${encodeURIComponent(PERSON)}`;
    const who = { type: "m.login.application_service", username: "alice", inhibit_login: true };
    await request("POST", "/v3/register", who);
    const room = { is_direct: true, preset: "trusted_private_chat", invite: [AGENT] };
    const { room_id: roomId } = await request<{ room_id: string }>("POST", `/v3/createRoom?${as}`, room);
    const path = `/v3/rooms/${encodeURIComponent(roomId)}`;
    await eventually("the agent to join", async () => {
      const { joined } = await request<{ joined: object }>("GET", `${path}/joined_members?${as}`);
      return AGENT in joined;
    });
    await request("PUT", `${path}/send/m.room.message/1?${as}`, { msgtype: "m.text", body: "are you there?" });
    await eventually("the answer", async () => {
      const { chunk } = await request<{ chunk: { sender: string; content: { body?: string } }[] }>(
        "GET",
        `${path}/messages?dir=b&limit=20&${as}`,
      );
      return chunk.some(({ sender, content }) => sender === AGENT && content.body?.includes("are you there?"));
    });

    const keys = await request<Record<string, Record<string, Record<string, { signatures: Record<string, object> }>>>>(
      "POST",
      `/v3/keys/query?${as}`,
      { device_keys: { [AGENT]: [] } },
    );
    const [device] = Object.values(keys["device_keys"]?.[AGENT] ?? {});
    const signers = Object.keys(device?.signatures[AGENT] ?? {});
    assert.equal(signers.length, 2, "its own signature and its owner's");
    assert.ok(keys["master_keys"]?.[AGENT]);
  });

  it("is healthy for doctor, because none of our users signs in", async () => {
    const { code, stdout } = await runCommand(["doctor", "-c", config]);
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^✓ sign-in +people sign in at an authentication service.*\(MAS\); the bridge uses no \/login/m,
    );
    assert.match(stdout, /^✓ features /m);
  });

  it("lets nobody register an agent's name", async () => {
    const isFree = async (localpart: string): Promise<boolean> => {
      const url = `${synapse.url}/_synapse/mas/is_localpart_available?localpart=${localpart}`;
      return (await fetch(url, { headers: { Authorization: `Bearer ${SECRET}` } })).ok;
    };
    assert.equal(await isFree("bob"), true);
    assert.equal(await isFree("agent_new"), false);
    assert.equal(await isFree("agents"), false);
  });
});
