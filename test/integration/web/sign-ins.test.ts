import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SignIns } from "../../../src/web/sign-in/sign-ins.ts";
import { audited } from "../../support/audit.ts";
import { forEachDatabase } from "../../support/databases.ts";

forEachDatabase((_kind, open) => {
  describe("signing in to the page", () => {
    it("works by a code, once, and is in the audit log", async () => {
      const database = await open();
      const signIns = new SignIns(database);
      const code = await signIns.offer("local:ann", "decide");
      const session = await signIns.use(code);
      assert.deepEqual([session?.actor, session?.role], ["local:ann", "decide"]);
      assert.equal(await signIns.use(code), undefined);
      assert.deepEqual(await signIns.session(session?.secret), session);
      const kinds = (await audited(database)).map(({ kind, by }) => [kind, by]);
      assert.deepEqual(kinds, [
        ["web.link_made", "local:ann"],
        ["web.signed_in", "local:ann"],
      ]);
    });

    it("gives a code to one of many that use it at once", async () => {
      const signIns = new SignIns(await open());
      const code = await signIns.offer("@ann:hs", "look");
      const sessions = await Promise.all(Array.from({ length: 8 }, () => signIns.use(code)));
      assert.equal(sessions.filter((session) => session !== undefined).length, 1);
    });

    it("does not work by anything else", async () => {
      const signIns = new SignIns(await open());
      for (const code of [undefined, "", "x".repeat(43), "x".repeat(100_000), "a'b", 5, {}, ["x"]]) {
        assert.equal(await signIns.use(code), undefined);
        assert.equal(await signIns.session(code), undefined);
      }
    });

    it("does not work by a code of ten minutes before", async () => {
      const database = await open();
      const signIns = new SignIns(database);
      const code = await signIns.offer("@ann:hs", "decide");
      await database.query("update web_sign_ins set expires_at = now() - interval '1 second'");
      assert.equal(await signIns.use(code), undefined);
    });

    it("keeps no code and no session in the database, but hashes", async () => {
      const database = await open();
      const signIns = new SignIns(database);
      const [used, unused] = [await signIns.offer("@ann:hs", "decide"), await signIns.offer("@ann:hs", "decide")];
      const session = await signIns.use(used);
      assert.ok(session);
      const { rows } = await database.query(
        "select (select json_agg(w)::text from web_sign_ins w) || (select json_agg(w)::text from web_sessions w) as all",
      );
      const text = JSON.stringify(rows);
      for (const secret of [used, unused, session.secret]) assert.doesNotMatch(text, new RegExp(secret));
    });
  });

  describe("a session of the page", () => {
    async function begun() {
      const database = await open();
      const signIns = new SignIns(database);
      const session = await signIns.use(await signIns.offer("@ann:hs", "decide"));
      assert.ok(session);
      return { database, signIns, session };
    }

    it("ends after twelve hours", async () => {
      const { database, signIns, session } = await begun();
      await database.query("update web_sessions set expires_at = now() - interval '1 second'");
      assert.equal(await signIns.session(session.secret), undefined);
      assert.equal(await signIns.lasts(session), false);
    });

    it("ends after an hour without a request, and an open page is none", async () => {
      const { database, signIns, session } = await begun();
      await database.query("update web_sessions set seen_at = now() - interval '59 minutes'");
      assert.equal(await signIns.lasts(session), true);
      assert.ok(await signIns.session(session.secret), "a request");
      await database.query("update web_sessions set seen_at = seen_at - interval '59 minutes'");
      assert.equal(await signIns.lasts(session), true, "the request has prolonged it");
      await database.query("update web_sessions set seen_at = now() - interval '61 minutes'");
      assert.equal(await signIns.lasts(session), false);
      assert.equal(await signIns.session(session.secret), undefined);
    });

    it("ends when somebody signs out, once", async () => {
      const { database, signIns, session } = await begun();
      await signIns.end(session);
      await signIns.end(session);
      assert.equal(await signIns.session(session.secret), undefined);
      const outs = (await audited(database)).filter(({ kind }) => kind === "web.signed_out");
      assert.equal(outs.length, 1);
    });

    it("is deleted with its links when it has ended", async () => {
      const { database, signIns } = await begun();
      await signIns.offer("@ann:hs", "decide");
      assert.equal(await signIns.prune(), 0);
      await database.query("update web_sessions set seen_at = now() - interval '2 hours'");
      await database.query("update web_sign_ins set expires_at = now() - interval '1 second'");
      assert.equal(await signIns.prune(), 2);
    });
  });
});
