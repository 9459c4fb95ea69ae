import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { requestAs } from "../support/matrix-request.ts";
import { Operator } from "../support/operator.ts";
import { inCheckout } from "../support/paths.ts";
import { Desktop } from "./desktop.ts";
import { Nheko } from "./nheko-client.ts";

/** The folder for screenshots, for a person to look at. */
const PICTURES = inCheckout(".cache/pictures");

describe("a person's view in nheko", () => {
  let deployment: Deployment;
  let desktop: Desktop;
  let nheko: Nheko;
  let agent: string;

  before(async () => {
    deployment = await startDeployment({
      toDevicePush: true,
      extraConfig: { answers: { welcome: true, command_menus: false } },
      // nheko 0.11 does not accept the room ids of version 12.
      synapse: { extraConfig: { default_room_version: "11" } },
    });
    agent = deployment.agent("demo");
    await deployment.synapse.registerUser("alice", "a password");
    await mkdir(PICTURES, { recursive: true });
    desktop = await Desktop.start();
  });
  after(async () => {
    await desktop.picture(`${PICTURES}/nheko-end.png`);
    await desktop.stop();
    await deployment.stop();
  });

  it("shows a direct chat that nheko encrypts, and a readable welcome", async () => {
    const login = { url: deployment.synapse.url, userId: "@alice:example.test", password: "a password" };
    nheko = await Nheko.login(desktop, login);
    await nheko.setUpEncryption();
    await nheko.startDirectChat(agent, "Demo");
    await nheko.waitSaid(/^Demo sent a notification/);
    const asAgent = requestAs(deployment.synapse.url, deployment.files.asToken);
    const as = `user_id=${encodeURIComponent(agent)}`;
    const { joined_rooms: rooms } = await asAgent<{ joined_rooms: string[] }>("GET", `/v3/joined_rooms?${as}`);
    const path = `/v3/rooms/${encodeURIComponent(rooms[0] ?? "")}/state/m.room.encryption/?${as}`;
    assert.equal((await asAgent<{ algorithm: string }>("GET", path)).algorithm, "m.megolm.v1.aes-sha2");
  });

  it("shows a readable answer", async () => {
    await nheko.say("can you keep a secret?");
    await nheko.waitSaid(/^Demo: Hello! I am a/);
    await nheko.picture(`${PICTURES}/nheko-answer.png`);
  });

  it("shows a verification with the emoji of the operator's terminal, which succeeds", async () => {
    const operator = new Operator(deployment);
    const emoji = await nheko.verify("Demo");
    await desktop.picture(`${PICTURES}/nheko-verification.png`);
    await operator.confirm(await operator.waitSameEmoji("@alice:example.test", emoji));
    await nheko.confirm();
    assert.match(await operator.verifications(), /no verification waits/);
  });
});
