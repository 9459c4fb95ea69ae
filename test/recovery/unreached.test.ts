import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { LogLine } from "../support/bridge.ts";
import { prepareDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import type { User } from "../support/user.ts";

describe("a bridge that one wrong line in the homeserver's copy of the registration keeps from being reached", () => {
  let deployment: Deployment;
  let alice: User;
  let ours: string;
  let wrongPort: number;

  before(async () => {
    deployment = await prepareDeployment();
    ours = await readFile(deployment.files.registration, "utf8");
    wrongPort = await freePort();
    await restartSynapseWith(ours.replace(`:${deployment.settings.port}`, `:${wrongPort}`));
    await deployment.startBridge();
  });
  after(() => deployment.stop());

  /** The homeserver reads its copy of the registration only when it starts. */
  async function restartSynapseWith(copy: string): Promise<void> {
    await writeFile(deployment.files.registration, copy);
    await deployment.restartSynapse();
    await writeFile(deployment.files.registration, ours);
  }

  function lines(words: string): LogLine[] {
    return deployment.bridge.logs().filter(({ msg }) => msg.includes(words));
  }

  function calls(path: RegExp): LogLine[] {
    return lines("homeserver call").filter((line) => path.test(String(line["path"])));
  }

  it("does not take the homeserver for away: it pings once, and says once what is wrong", async () => {
    alice = await deployment.user("js-sdk", "alice");
    await eventually("several calls that succeed after the ping", () => {
      const paths = calls(/./).map((line) => String(line["path"]));
      return paths.slice(paths.findIndex((path) => path.endsWith("/ping"))).length > 5;
    });
    assert.equal(lines("the homeserver answers again").length, 0);
    assert.ok(calls(/\/ping$/).length <= 3, `${calls(/\/ping$/).length} pings`);
    const [told, ...more] = lines("ping of this application service failed");
    assert.equal(more.length, 0);
    const reason = String(told?.["reason"]);
    assert.match(reason, /can't connect to the url in its copy of the registration \(it says: .*refused/);
    const { registration } = deployment.files;
    const url = `http://127.0.0.1:${deployment.settings.port}`;
    assert.ok(reason.includes(`In our copy, ${registration}, the url is ${url}`), reason);
  });

  it("says that another hs_token in the homeserver's copy was refused", async () => {
    await restartSynapseWith(ours.replace(deployment.files.hsToken, "another"));
    await eventually("the reason", () =>
      lines("ping of this application service failed").some(({ reason }) =>
        String(reason).includes("reached this bridge, which refused its hs_token"),
      ),
    );
  });

  it("says that it is reached, and answers, when the line is right", async () => {
    assert.equal(lines("the homeserver reaches us").length, 0);
    await restartSynapseWith(ours);
    await eventually("the bridge to be reached", () => lines("the homeserver reaches us").length > 0);
    const agent = deployment.agent("demo");
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    const question = await alice.sendText({ roomId, body: "hello" });
    await alice.waitMessage({ roomId, sender: agent, after: question });
  });
});
