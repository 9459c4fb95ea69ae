import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Config, ToolServerConfig } from "../../../src/config/config.ts";
import type { Finding } from "../../../src/doctor/check.ts";
import { tools } from "../../../src/doctor/checks/tools.ts";
import type { Patient } from "../../../src/doctor/patient.ts";
import { currentUser, type SystemUser } from "../../../src/observability/user-name.ts";
import { startToolsWithSignIn } from "../../support/authorization-server.ts";
import { signInServer } from "../../support/signed-in-people.ts";
import { realToolServer, toolProgram, UNKIND_TOOL_SERVER } from "../../support/tool-servers.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** The finding about one server; the check looks at nothing else of a patient. */
async function findingOf(server: ToolServerConfig, user: SystemUser | undefined = currentUser()): Promise<Finding> {
  const config = { tools: new Map([["files", server]]) } as unknown as Config;
  const [finding] = await tools.run({ config, user } as Patient);
  return finding ?? assert.fail();
}

describe("the doctor's look at a tool server", () => {
  it("counts the tools that it offers", async () => {
    const args = [realToolServer("filesystem"), await temporaryDirectory("doctor-tools")];
    const finding = await findingOf(toolProgram(args));
    assert.equal(finding.status, "good", finding.text);
    assert.match(finding.text, /^files \(local\) answers, \d+ of its \d+ tools are offered$/);
  });

  it("names the bridge's own tools", async () => {
    const rules = { locality: "local", cloudModels: false, approvers: "asker", approverUsers: [] } as const;
    const own = { type: "own", ...rules, callTimeoutMs: 1, timeZone: "UTC", hosts: [] } as const;
    assert.deepEqual(await findingOf({ ...own, tools: new Map([["time", "never"]]) }), {
      status: "good",
      text: "files has the bridge's own time",
    });
  });

  it("asks one to which people sign in where they do, and counts them", async () => {
    await using server = await startToolsWithSignIn();
    const config = { tools: new Map([["tickets", signInServer(server.url, server.issuer)]]) } as unknown as Config;
    const state = { signIns: new Map([["tickets", 2]]) };
    const patient = { config, database: { kind: "read", records: { state } } } as unknown as Patient;
    assert.deepEqual(await tools.run(patient), [
      { status: "good", text: `tickets (local): people sign in at ${server.issuer}; 2 people have` },
    ]);
    const wrong = { tools: new Map([["tickets", signInServer(server.url, `${server.issuer}/other`)]]) };
    const [finding] = await tools.run({ ...patient, config: wrong as unknown as Config });
    assert.equal(finding?.status, "bad");
    assert.match(finding.mend, /url and sign_in of tools\.tickets/);
    const unknown = signInServer(server.url, server.issuer, { clientId: "bridge", clientSecret: "mistyped" });
    const [told] = await tools.run({
      ...patient,
      config: { tools: new Map([["tickets", unknown]]) } as unknown as Config,
    });
    assert.equal(told?.status, "bad");
    assert.match(`${told.text} ${told.mend}`, /does not know the bridge.* client_id and its secret in tools\.tickets/);
  });

  it("finds one of which nothing is offered", async () => {
    const refused = { tools: new Map([["*", "refuse" as const]]) };
    const finding = await findingOf(toolProgram([UNKIND_TOOL_SERVER, "has faulty tools"], refused));
    assert.equal(finding.status, "bad", finding.text);
    assert.match(finding.text, /none of its tools \(1\) is offered: .*; 5 more can't be used/);
  });

  it("finds a program that ends at once", async () => {
    const finding = await findingOf(toolProgram([UNKIND_TOOL_SERVER, "ends at once"]));
    assert.equal(finding.status, "bad", finding.text);
    assert.match(finding.mend, /command, args and folders of tools\.files/);
  });

  it("gives no program the rights of another user than the bridge's", async () => {
    const other = { uid: 12_345, gids: [], name: "bridge" };
    assert.deepEqual(await findingOf(toolProgram([UNKIND_TOOL_SERVER, "ends at once"]), other), {
      status: "unknown",
      text: "files: only bridge can try this program",
    });
  });
});
