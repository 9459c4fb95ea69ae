import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import type { Database } from "../../../../src/database/database.ts";
import { answerInAddress } from "../../../../src/tools/sign-in/authorization-answer.ts";
import { SignInFailure, type SignInFailureCode } from "../../../../src/tools/sign-in/sign-in-failure.ts";
import { withAuthorization } from "../../../../src/tools/sign-in/authorization.ts";
import { endSignIns, ToolSignIns } from "../../../../src/tools/sign-in/tool-sign-ins.ts";
import { ToolFailure } from "../../../../src/tools/tool-failure.ts";
import { audited } from "../../../support/audit.ts";
import { openAs, startToolsWithSignIn, type ToolsWithSignIn } from "../../../support/authorization-server.ts";
import { forEachDatabase } from "../../../support/databases.ts";
import { sealsOf } from "../../../support/seals.ts";
import { signInProcess, signInServer, type SignInProcess } from "../../../support/signed-in-people.ts";

const ALICE = "@alice:hs";
const BOB = "@bob:hs";
const at = (userId: string) => ({ server: "tickets", userId });

const failsAs = (code: SignInFailureCode, what: Promise<unknown>): Promise<void> =>
  assert.rejects(what, (error) => error instanceof SignInFailure && error.code === code);

const needsSignIn = (what: Promise<unknown>): Promise<void> =>
  assert.rejects(what, (error) => error instanceof ToolFailure && error.code === "sign_in");

/** A server that gets nothing that is meant for others. */
async function listening() {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    get requests() {
      return requests;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

forEachDatabase((_kind, open) => {
  describe("people who sign in to a tool server", () => {
    let tools: ToolsWithSignIn;
    let database: Database;
    let here: SignInProcess;
    let there: SignInProcess;

    before(async () => {
      tools = await startToolsWithSignIn();
    });
    after(() => tools[Symbol.asyncDispose]());
    beforeEach(async () => {
      database = await open();
      const config = signInServer(tools.url, tools.issuer);
      const web = { bind: "127.0.0.1", port: 9_595, url: "https://example.org/agents", viewers: [] };
      [here, there] = [signInProcess(database, config), signInProcess(database, config, web)];
      tools.behaviour.lifeSeconds = 3_600;
      tools.behaviour.refuses = false;
      tools.behaviour.revokes = true;
      tools.behaviour.beforeTokens = () => Promise.resolve();
    });

    let asked = 0;
    const link = (person: string, process = here): Promise<string> => process.people.link(at(person), `$${asked++}`);
    const finish = (person: string, address: string, by = `$${asked++}`): Promise<void> =>
      here.people.finish(at(person), address, by);
    const signIn = async (person: string, account: string): Promise<void> =>
      finish(person, await openAs(account, await link(person)));

    const answerIn = (address: string): Parameters<typeof there.people.arrived>[0] => {
      const answer = answerInAddress(address);
      return answer ?? assert.fail("it is no answer");
    };

    /** Brings a link to its page, which has a code then. */
    const arrives = async (account: string, address: string): Promise<string> =>
      (await there.people.arrived(answerIn(await openAs(account, address)))).code;

    /** With a token that counts as ended at once. */
    const signInBriefly = async (person: string, account: string): Promise<void> => {
      tools.behaviour.lifeSeconds = 20;
      await signIn(person, account);
      tools.behaviour.lifeSeconds = 3_600;
    };

    it("act each with her own rights, and see each her own tools", async () => {
      await signIn(ALICE, "alice");
      await signIn(BOB, "bob");
      assert.equal(await here.call(ALICE, "whoami"), "you are alice");
      assert.equal(await here.call(BOB, "whoami"), "you are bob");
      // The other process takes the same tokens.
      assert.equal(await there.call(BOB, "only_bob"), "you are bob");
      assert.deepEqual(await here.toolsOf(ALICE), ["whoami", "close", "only_alice"]);
      assert.deepEqual(await here.toolsOf(BOB), ["whoami", "close", "only_bob"]);
      await assert.rejects(here.call(BOB, "only_alice"));
    });

    it("have nothing before, and another agent has nothing of theirs", async () => {
      assert.deepEqual(await here.toolsOf(ALICE), ["sign_in"]);
      await needsSignIn(here.call(ALICE, "whoami"));
      await signIn(ALICE, "alice");
      assert.deepEqual(await here.toolsOf(undefined), []);
      await needsSignIn(here.call(undefined, "whoami"));
      assert.deepEqual(await here.toolsOf(BOB), ["sign_in"]);
    });

    it("use a link once, and only their own", async () => {
      const address = await openAs("alice", await link(ALICE));
      await failsAs("unknown", finish(BOB, address));
      await failsAs("unknown", here.people.finish({ server: "other", userId: ALICE }, address, "$m"));
      await finish(ALICE, address, "$message");
      await failsAs("unknown", finish(ALICE, address));
      // The same message is read again after a crash.
      await finish(ALICE, address, "$message");
      assert.deepEqual(await here.toolsOf(BOB), ["sign_in"]);
    });

    it("get the same link for the same question, and a new one ends the old one", async () => {
      const first = await here.people.link(at(ALICE), "$question");
      assert.equal(await there.people.link(at(ALICE), "$question"), first);
      assert.equal(await here.people.hasLink(at(ALICE), "$question"), false);
      assert.equal(await here.people.hasLink(at(ALICE), "$other"), true);
      const address = await openAs("alice", first);
      await here.people.link(at(ALICE), "$other");
      await failsAs("unknown", finish(ALICE, address));
    });

    it("are not signed in by an old link", async () => {
      const address = await openAs("alice", await link(ALICE));
      await database.query("update sign_in_attempts set expires_at = now()");
      await failsAs("unknown", finish(ALICE, address));
      assert.equal(await here.prune(), 1);
    });

    it("are not signed in by an address that others have seen", async () => {
      const address = await openAs("alice", await link(ALICE));
      // Perhaps Bob has shown it, who has opened Alice's link.
      await here.people.spoil(address);
      await failsAs("unknown", finish(ALICE, address));
    });

    it("are not signed in by a code that others have seen", async () => {
      const back = new URL(await openAs("bob", await link(ALICE, there)));
      const before = tools.revoked.length;
      const [state, code] = ["state", "code"].map((name) => back.searchParams.get(name) ?? "") as [string, string];
      const shown = await there.people.arrived({ kind: "code", state, code, iss: tools.issuer });
      await here.people.spoil("AAAA-AAAA");
      await here.people.spoil(shown.code.toLowerCase());
      await failsAs("unknown", here.people.confirm(at(ALICE), shown.code, "$said"));
      await here.background.idle();
      assert.equal(tools.revoked.length, before + 1);
    });

    it("are told what comes back from another server, or is none of it", async () => {
      const address = new URL(await openAs("alice", await link(ALICE)));
      address.searchParams.set("iss", "https://evil.example.org");
      await failsAs("other_issuer", finish(ALICE, address.href));
      const nameless = new URL(await openAs("alice", await link(ALICE)));
      nameless.searchParams.delete("iss");
      await failsAs("other_issuer", finish(ALICE, nameless.href));
      await failsAs("no_address", finish(ALICE, "hello"));
      await failsAs("unknown", finish(ALICE, "?code=c&state=s"));
      tools.behaviour.refuses = true;
      await failsAs("denied", finish(ALICE, await openAs("alice", await link(ALICE))));
      assert.deepEqual(await here.toolsOf(ALICE), ["sign_in"]);
    });

    it("don't take a code of another link", async () => {
      const mine = new URL(await openAs("alice", await link(ALICE)));
      const stolen = new URL(await openAs("bob", await link(BOB)));
      // Bob's code behind Alice's state: PKCE binds the code to his link.
      mine.searchParams.set("code", stolen.searchParams.get("code") ?? "");
      await failsAs("refused", finish(ALICE, mine.href));
    });

    it("get new tokens by one of all processes, once", async () => {
      await signInBriefly(ALICE, "alice");
      const before = tools.grants.length;
      const results = await Promise.all([here, there, here, there].map((process) => process.call(ALICE, "whoami")));
      assert.deepEqual(new Set(results), new Set(["you are alice"]));
      assert.deepEqual(tools.grants.slice(before), ["refresh_token"]);
    });

    it("sign in again when their tokens count no more", async () => {
      await signIn(ALICE, "carol");
      assert.equal(await here.call(ALICE, "whoami"), "you are carol");
      tools.end("carol");
      await needsSignIn(here.call(ALICE, "whoami"));
      assert.deepEqual(await there.toolsOf(ALICE), ["sign_in"]);
      assert.deepEqual(
        (await audited(database)).map(({ kind }) => String(kind)).filter((kind) => kind.startsWith("tool.")),
        ["tool.signed_in", "tool.sign_in_lost"],
      );
    });

    it("lose no more than the sign-in when a process dies with new tokens that it has not stored", async () => {
      await signInBriefly(ALICE, "alice");
      const config = signInServer(tools.url, tools.issuer);
      const signedIn = await new ToolSignIns(database, sealsOf(database)).find(at(ALICE));
      assert.ok(signedIn?.client !== undefined && signedIn.tokens.refresh !== undefined);
      const { client, tokens } = signedIn;
      await withAuthorization(config, (dying) => dying.refresh(signedIn.from, client, tokens.refresh ?? ""));
      await needsSignIn(here.call(ALICE, "whoami"));
      assert.deepEqual(await there.toolsOf(ALICE), ["sign_in"]);
      await signIn(ALICE, "alice");
      assert.equal(await there.call(ALICE, "whoami"), "you are alice");
    });

    it("wait for a process that asks for new tokens, until its time is over", async () => {
      await signInBriefly(ALICE, "alice");
      const taken = "renewed_by = 'another', renewed_until = now() + make_interval(secs => 30)";
      await database.query(`update tool_sign_ins set ${taken}`);
      let isOver = false;
      const call = here.call(ALICE, "whoami").then((said) => {
        assert.ok(isOver);
        return said;
      });
      isOver = true;
      await database.query("update tool_sign_ins set renewed_until = now() - interval '1 second'");
      assert.equal(await call, "you are alice");
    });

    it("keep their sign-in while the authorisation server is away", async () => {
      await signInBriefly(ALICE, "alice");
      tools.behaviour.beforeTokens = () => Promise.reject(new Error("it is away"));
      await assert.rejects(
        here.call(ALICE, "whoami"),
        (error) => error instanceof ToolFailure && error.code === "unreachable",
      );
      tools.behaviour.beforeTokens = () => Promise.resolve();
      assert.equal(await there.call(ALICE, "whoami"), "you are alice");
    });

    it("are out everywhere at once when they sign out, and their tokens are revoked", async () => {
      await signIn(ALICE, "alice");
      assert.equal(await there.call(ALICE, "whoami"), "you are alice");
      const before = tools.revoked.length;
      assert.equal(await here.people.signOut(at(ALICE)), true);
      assert.equal(await here.people.signOut(at(ALICE)), false);
      await needsSignIn(there.call(ALICE, "whoami"));
      await here.background.idle();
      assert.equal(tools.revoked.length, before + 1);
      assert.equal((await database.query("select from sealing_keys where ghost = $1", [ALICE])).rows.length, 1);
    });

    it("are signed out by whoever runs the bridge, with their links", async () => {
      await signIn(ALICE, "alice");
      await signIn(BOB, "bob");
      const address = await openAs("alice", await link(ALICE));
      await arrives("alice", await link(ALICE, there));
      const end = async (who: Parameters<typeof endSignIns>[1]): Promise<readonly number[]> => {
        const { count, tokens } = await endSignIns(database, who, "local:office");
        const dropped = await tokens(() => Promise.resolve(sealsOf(database)));
        return [count, dropped.length];
      };
      assert.deepEqual(await end({ userId: ALICE, server: "other" }), [0, 0]);
      // With the tokens that wait for her word.
      assert.deepEqual(await end({ userId: ALICE }), [1, 2]);
      await failsAs("unknown", finish(ALICE, address));
      await needsSignIn(there.call(ALICE, "whoami"));
      assert.equal(await here.call(BOB, "whoami"), "you are bob");
      assert.deepEqual(await end({}), [1, 1]);
    });

    it("confirm at an agent what a page of ours has taken", async () => {
      const back = new URL(await openAs("alice", await link(ALICE, there)));
      assert.equal(back.href.split("?")[0], "https://example.org/agents/tool-sign-in");
      const state = back.searchParams.get("state");
      // Looking uses nothing up.
      for (let look = 0; look < 3; look++) assert.deepEqual(await there.people.about(state), at(ALICE));
      const answer = {
        kind: "code",
        state: state ?? "",
        code: back.searchParams.get("code") ?? "",
        iss: tools.issuer,
      } as const;
      const { who, code } = await there.people.arrived(answer);
      assert.deepEqual(who, at(ALICE));
      await failsAs("unknown", there.people.arrived(answer));
      assert.deepEqual(await here.toolsOf(ALICE), ["sign_in"]);
      await failsAs("unknown", here.people.confirm(at(BOB), code, "$said"));
      assert.equal(await here.people.confirm(at(ALICE), "AAAA-AAAA", "$said"), false);
      assert.equal(await here.people.confirm(at(ALICE), code.toLowerCase(), "$said"), true);
      assert.equal(await here.call(ALICE, "whoami"), "you are alice");
    });

    it("can't guess the code of a page", async () => {
      const back = new URL(await openAs("alice", await link(ALICE, there)));
      const before = tools.revoked.length;
      const [state, code] = ["state", "code"].map((name) => back.searchParams.get(name) ?? "") as [string, string];
      const shown = await there.people.arrived({ kind: "code", state, code, iss: tools.issuer });
      for (let nth = 0; nth < 2; nth++) assert.equal(await here.people.confirm(at(ALICE), "AAAA-AAAA", "$said"), false);
      await failsAs("unknown", here.people.confirm(at(ALICE), "AAAA-AAAA", "$said"));
      await failsAs("unknown", here.people.confirm(at(ALICE), shown.code, "$said"));
      await here.background.idle();
      assert.equal(tools.revoked.length, before + 1);
    });

    it("have tokens revoked that they never confirm: too old, or replaced", async () => {
      const before = tools.revoked.length;
      await arrives("alice", await link(ALICE, there));
      await arrives("bob", await link(BOB, there));
      // Another link takes the place of the one before.
      await link(ALICE);
      await here.background.idle();
      assert.equal(tools.revoked.length, before + 1);
      await database.query("update sign_in_attempts set expires_at = now()");
      assert.equal(await here.prune(), 2);
      assert.equal(tools.revoked.length, before + 2);
    });

    it("have tokens revoked that come after another link, or signing out, has ended theirs", async () => {
      const before = tools.revoked.length;
      const [page, copied] = [await openAs("alice", await link(ALICE, there)), await openAs("bob", await link(BOB))];
      tools.behaviour.beforeTokens = async () => {
        await link(ALICE);
      };
      await failsAs("unknown", there.people.arrived(answerIn(page)));
      tools.behaviour.beforeTokens = async () => {
        await link(BOB);
      };
      await failsAs("unknown", finish(BOB, copied));
      await Promise.all([here, there].map(({ background }) => background.idle()));
      assert.equal(tools.revoked.length, before + 2);
      tools.behaviour.beforeTokens = () => Promise.resolve();
      await signInBriefly(ALICE, "alice");
      tools.behaviour.beforeTokens = async () => {
        tools.behaviour.beforeTokens = () => Promise.resolve();
        await endSignIns(database, {}, "local:office");
      };
      await needsSignIn(here.call(ALICE, "whoami"));
      assert.equal(tools.revoked.length, before + 3);
    });

    it("are forgotten also where the authorisation server does not revoke", async () => {
      await signIn(ALICE, "alice");
      await arrives("bob", await link(BOB, there));
      tools.behaviour.revokes = false;
      await database.query("update sign_in_attempts set expires_at = now()");
      await database.query("update tool_sign_ins set used_at = now() - interval '91 days'");
      assert.equal(await here.prune(), 2);
      await signIn(ALICE, "alice");
      assert.equal(await here.people.signOut(at(ALICE)), true);
      await here.background.idle();
      assert.deepEqual((await database.query("select from tool_sign_ins")).rows, []);
    });

    it("have tokens revoked of a name that the bridge has there no more, and not those that one name has twice", async () => {
      const before = tools.revoked.length;
      await signIn(ALICE, "alice");
      await signIn(ALICE, "bob");
      await here.background.idle();
      assert.equal(tools.revoked.length, before);
      await database.query("delete from tool_clients");
      await signIn(ALICE, "alice");
      await here.background.idle();
      assert.equal(tools.revoked.length, before + 1);
      assert.equal(await here.call(ALICE, "whoami"), "you are alice");
    });

    it("have their tokens sealed", async () => {
      await signIn(ALICE, "alice");
      await link(BOB);
      const rows = await Promise.all(
        ["tool_sign_ins", "sign_in_attempts", "tool_clients"].map((table) =>
          database.query<{ body: string }>(`select * from ${table}`),
        ),
      );
      for (const { rows: all } of rows) {
        assert.equal(all.length, 1);
        assert.doesNotMatch(JSON.stringify(all), /http|access|refresh|verifier|client_id/);
      }
      // Another row's words can't be put there.
      await database.query("update tool_sign_ins set user_id = $1", [BOB]);
      await needsSignIn(here.call(BOB, "whoami"));
    });

    it("are forgotten when they use it no more, share no room, or it is not configured", async () => {
      await signIn(ALICE, "alice");
      assert.equal(await here.prune(), 0);
      await database.query("update tool_sign_ins set signed_in_at = now() - interval '2 days'");
      const before = tools.revoked.length;
      assert.equal(await here.prune(), 1);
      assert.equal(tools.revoked.length, before + 1);
      await signIn(ALICE, "alice");
      await database.query("update tool_sign_ins set used_at = now() - interval '91 days'");
      assert.equal(await here.prune(), 1);
      assert.equal(tools.revoked.length, before + 2);
      await signIn(ALICE, "alice");
      await database.query("update tool_sign_ins set server = 'gone'");
      await database.query("update tool_clients set server = 'gone'");
      assert.equal(await here.prune(), 2);
    });

    it("sign in again when the admin names another authorisation server", async () => {
      await signIn(ALICE, "alice");
      const moved = signInProcess(database, signInServer(tools.url, "http://127.0.0.1:1"));
      assert.deepEqual(await moved.toolsOf(ALICE), ["sign_in"]);
      // They are told so, and get a link for this one.
      assert.deepEqual(await here.people.serversOf(ALICE), new Set(["tickets"]));
      assert.deepEqual(await moved.people.serversOf(ALICE), new Set());
      await here.people.link(at(ALICE), "$question");
      assert.equal(await here.people.hasLink(at(ALICE), "$other"), true);
      assert.equal(await moved.people.hasLink(at(ALICE), "$other"), false);
      await failsAs("away", moved.people.link(at(ALICE), "$question"));
    });

    it("sign in again when the admin names another address: nobody else gets their tokens", async () => {
      await using elsewhere = await listening();
      const moved = signInProcess(database, signInServer(elsewhere.url, tools.issuer));
      await signIn(ALICE, "alice");
      assert.deepEqual(await moved.toolsOf(ALICE), ["sign_in"]);
      await needsSignIn(moved.call(ALICE, "whoami"));
      // Nor where the address changes between the link and its end.
      await failsAs("unknown", moved.people.finish(at(ALICE), await openAs("alice", await link(ALICE)), "$said"));
      const [code, before] = [await arrives("alice", await link(ALICE, there)), tools.revoked.length];
      await failsAs("unknown", moved.people.confirm(at(ALICE), code, "$said"));
      await moved.background.idle();
      assert.equal(tools.revoked.length, before + 1);
      assert.deepEqual(await moved.people.serversOf(ALICE), new Set());
      assert.deepEqual(await moved.toolsOf(ALICE), ["sign_in"]);
      assert.equal(elsewhere.requests, 0);
      assert.equal(await here.call(ALICE, "whoami"), "you are alice");
    });
  });
});
