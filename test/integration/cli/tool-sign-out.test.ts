import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dump } from "js-yaml";
import { loadConfig } from "../../../src/config/load.ts";
import { migrate } from "../../../src/database/migrate.ts";
import { locationOf, openDatabase } from "../../../src/database/open.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { MasterKey } from "../../../src/sealing/master-key.ts";
import { Seals } from "../../../src/sealing/seals.ts";
import { openAs, startToolsWithSignIn } from "../../support/authorization-server.ts";
import { runCommand } from "../../support/command.ts";
import { signInProcess, signInServer } from "../../support/signed-in-people.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

describe("matrix-agents tools sign-out", () => {
  it("forgets people's tokens, and has the authorisation server end them", async () => {
    await using server = await startToolsWithSignIn();
    const file = join(await temporaryDirectory("tool-sign-out"), "config.yaml");
    const homeserver = { url: "http://127.0.0.1:1", domain: "example.org" };
    const rest = { providers: { demo: { type: "demo" } }, agents: { demo: { provider: "demo" } } };
    const tools = { tickets: { type: "http", url: server.url, sign_in: { issuer: server.issuer } } };
    await writeFile(file, dump({ homeserver, ...rest, tools }));
    const who = { server: "tickets", userId: "@alice:example.org" };
    const config = await loadConfig(file);
    const log = silentLogger();
    const database = await openDatabase(locationOf(config), log);
    try {
      await migrate(database, log);
      const seals = new Seals(database, await MasterKey.open(config.encryption.masterKey, database), log);
      const { people } = signInProcess(database, signInServer(server.url, server.issuer), undefined, seals);
      await people.finish(who, await openAs("alice", await people.link(who, "$question")), "$message");
    } finally {
      await database.close();
    }
    const { code, stdout, stderr } = await runCommand(["tools", "sign-out", who.userId, "-c", file]);
    assert.deepEqual([code, stdout, server.revoked.length], [0, "1 sign-in ended\n", 1], stderr);
    const again = await runCommand(["tools", "sign-out", who.userId, "-c", file]);
    assert.equal(again.code, 1);
  });
});
