import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { ToolSignInConfig } from "../../../../src/config/tool-sign-in-config.ts";
import type { Database } from "../../../../src/database/database.ts";
import { NeedsRights } from "../../../../src/tools/sign-in/scope-challenge.ts";
import { ToolFailure } from "../../../../src/tools/tool-failure.ts";
import { openAs, startToolsWithSignIn, type ToolsWithSignIn } from "../../../support/authorization-server.ts";
import { forEachDatabase } from "../../../support/databases.ts";
import { signInProcess, signInServer, type SignInProcess } from "../../../support/signed-in-people.ts";

const ALICE = "@alice:hs";
const WHO = { server: "tickets", userId: ALICE };
const FURTHER = "tickets:close";

const needsRights = (what: Promise<unknown>, scopes = [FURTHER]): Promise<void> =>
  assert.rejects(what, (error) => {
    assert.ok(error instanceof NeedsRights, String(error));
    assert.deepEqual(error.scopes, scopes);
    return true;
  });

const isRefused = (what: Promise<unknown>, words: RegExp): Promise<void> =>
  assert.rejects(
    what,
    (error) => error instanceof ToolFailure && error.code === "refused" && words.test(error.message),
  );

forEachDatabase((_kind, open) => {
  describe("a tool that needs further rights of a person", () => {
    let tools: ToolsWithSignIn;
    let database: Database;

    before(async () => {
      tools = await startToolsWithSignIn();
      tools.behaviour.wantsMore = "close";
    });
    after(() => tools[Symbol.asyncDispose]());
    beforeEach(async () => {
      database = await open();
      tools.behaviour.givesMore = true;
    });

    let asked = 0;
    async function signedIn(more: Partial<ToolSignInConfig> = {}): Promise<SignInProcess> {
      const process = signInProcess(database, signInServer(tools.url, tools.issuer, more));
      await signIn(process);
      return process;
    }
    async function signIn({ people }: SignInProcess, more: readonly string[] = []): Promise<URLSearchParams> {
      const link = await people.link(WHO, `$${asked++}`, more);
      await people.finish(WHO, await openAs("alice", link), `$${asked++}`);
      return new URL(link).searchParams;
    }

    it("is used after a new sign-in that asks for them too, and keeps them with new tokens", async () => {
      tools.behaviour.lifeSeconds = 20;
      const process = await signedIn();
      assert.equal(await process.call(ALICE, "whoami"), "you are alice");
      await needsRights(process.call(ALICE, "close"));
      // The sign-in stays as it was.
      assert.equal(await process.call(ALICE, "whoami"), "you are alice");
      const link = await signIn(process, [FURTHER]);
      assert.deepEqual(new Set(link.get("scope")?.split(" ")), new Set(["tickets", "offline_access", FURTHER]));
      assert.equal(await process.call(ALICE, "close"), "you are alice");
      tools.behaviour.lifeSeconds = 3_600;
      assert.equal(await process.call(ALICE, "close"), "you are alice");
    });

    it("leads in no circle where the person does not get them, and may be tried again by her own wish", async () => {
      const process = await signedIn();
      tools.behaviour.givesMore = false;
      await needsRights(process.call(ALICE, "close"));
      await signIn(process, [FURTHER]);
      await isRefused(process.call(ALICE, "close"), /was not asked/);
      await signIn(process);
      await needsRights(process.call(ALICE, "close"));
    });

    it("is perhaps the list of all tools: then one stands for them that leads to the new sign-in", async () => {
      tools.behaviour.wantsMore = "tools/list";
      const process = await signedIn();
      assert.deepEqual(await process.toolsOf(ALICE), ["needs_rights"]);
      await needsRights(process.server.reach(AbortSignal.timeout(10_000), ALICE));
      await signIn(process, [FURTHER]);
      assert.deepEqual(await process.toolsOf(ALICE), ["whoami", "close", "only_alice"]);
      tools.behaviour.wantsMore = "close";
    });

    it("asks for no others than those that the person is told, whatever its server names since", async () => {
      await signedIn();
      tools.behaviour.alsoNames = ["openid"];
      const later = signInProcess(database, signInServer(tools.url, tools.issuer));
      const link = await signIn(later, [FURTHER]);
      tools.behaviour.alsoNames = [];
      assert.deepEqual(new Set(link.get("scope")?.split(" ")), new Set(["tickets", "offline_access", FURTHER]));
    });

    it("gets none that the admin has left out", async () => {
      await isRefused((await signedIn({ scopes: ["tickets"] })).call(ALICE, "close"), /more_scopes/);
      await needsRights((await signedIn({ scopes: ["tickets"], moreScopes: [FURTHER] })).call(ALICE, "close"));
    });

    it("has another link made than one that does not ask for them", async () => {
      const { people } = await signedIn();
      await people.link(WHO, "$question");
      assert.equal(await people.hasLink(WHO, "$other", [FURTHER]), false);
      await people.link(WHO, "$other", [FURTHER]);
      assert.equal(await people.hasLink(WHO, "$third", [FURTHER]), true);
    });
  });
});
