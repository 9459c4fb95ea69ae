import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Locator, Page } from "playwright-core";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { answerTo, chatWith } from "../support/calling-chat.ts";
import { eventually } from "../support/eventually.ts";
import { readShownCode } from "../support/qr-code.ts";
import type { User } from "../support/user.ts";
import { decideBy, startWebDeployment, type WebDeployment } from "../support/web-page.ts";

/** A person in a direct chat with the agent. */
interface Acquaintance {
  readonly user: User;
  readonly roomId: string;
}

describe("what is decided on the page", () => {
  let web: WebDeployment;
  let demo: string;
  let alice: Acquaintance;
  before(async () => {
    web = await startWebDeployment({ toDevicePush: true });
    demo = web.deployment.agent("demo");
    alice = await person("alice");
  });
  after(() => web.stop());

  /** Runs a statement on the bridge's database. */
  async function sql<R extends object>(statement: string, values: readonly unknown[] = []): Promise<readonly R[]> {
    const database = openPostgres(web.deployment.settings.database ?? "", silentLogger());
    return (await database.query<R>(statement, values).finally(() => database.close())).rows;
  }

  /** The audit log's lines about commands, each with who gave it. */
  async function commands(): Promise<string[]> {
    const { stdout } = await web.deployment.command(["audit"]);
    return stdout.split("\n").filter((line) => line.includes("admin.command"));
  }

  async function isAudited(command: string, subject: string): Promise<boolean> {
    const has = (line: string): boolean => line.includes(command) && line.includes(subject) && /\blocal:\w/.test(line);
    return (await commands()).some(has);
  }

  async function at(path: string, look = false): Promise<Page> {
    const page = await web.signedIn({}, ...(look ? ["--look"] : []));
    await page.goto(`${web.url}${path}`);
    return page;
  }

  async function person(name: string): Promise<Acquaintance> {
    const user = await web.deployment.user("js-sdk", name);
    const roomId = await chatWith(web.deployment, user, "demo");
    await answerTo(user, roomId, "good morning");
    return { user, roomId };
  }

  function cardOf(page: Page, { userId }: User): Locator {
    return page.locator("li.card", { hasText: userId });
  }

  it("a verification: both sides see the same emoji, and a click makes the agent verified", async () => {
    const { user, roomId } = alice;
    const page = await at("/verifications");
    await page.getByText("No verification waits for you.").waitFor();
    const emoji = await user.verify({ userId: demo, roomId });
    const card = cardOf(page, user);
    await card.locator(".emoji li").first().waitFor();
    assert.deepEqual(await card.locator(".emoji li span").allInnerTexts(), emoji);
    assert.equal(emoji.length, 7);
    await decideBy(card.getByRole("button", { name: "They match" }));
    await page.getByText("Confirmed: the agent trusts this person now.").waitFor();
    assert.deepEqual(await user.finishVerification(true), { done: true });
    await eventually("the agent to be verified", () => user.isVerified(demo));
    await page.getByText("No verification waits for you.").waitFor();
    assert.equal(await isAudited("verify confirm", user.userId), true);
  });

  it("a verification whose emoji differ: it says first what will happen, and the person is told", async () => {
    const { user, roomId } = await person("bob");
    const page = await at("/verifications");
    await user.verify({ userId: demo, roomId });
    const card = cardOf(page, user);
    await card.locator("summary", { hasText: "They differ" }).click();
    await card.getByText("The verification ends, and this person sees that it failed.").waitFor();
    await decideBy(card.getByRole("button", { name: "They differ" }));
    await page.getByText("Rejected: the verification has ended.").waitFor();
    assert.deepEqual(await user.finishVerification(true), { done: false, cancelled: "m.mismatched_sas" });
    assert.equal(await user.isVerified(demo), false);
    assert.equal(await isAudited("verify reject", user.userId), true);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    it(`a verification by the code on the page, which a camera can read with ${colorScheme} colours`, async () => {
      const { user, roomId } = await person(`carol-${colorScheme}`);
      const scan = await user.verifyByCode({ userId: demo, roomId });
      const page = await web.signedIn({ colorScheme });
      await page.goto(`${web.url}/verifications`);
      const card = cardOf(page, user);
      const code = card.getByRole("img", { name: "The code to scan" });
      await code.waitFor();
      assert.equal(await card.getByRole("button").count(), 0, "nothing was scanned yet");
      const finish = await scan((await readShownCode(code)).toString("base64"));
      await decideBy(card.getByRole("button", { name: "It was theirs" }));
      assert.deepEqual(await finish(), { done: true });
      await eventually("the agent to be verified", () => user.isVerified(demo));
    });
  }

  /** A question that was set aside instead of being answered. */
  interface HeldQuestion {
    readonly id: number;
    readonly eventId: string;
  }

  /** Alice asks, and her questions are set aside. */
  async function ask(...bodies: readonly string[]): Promise<HeldQuestion[]> {
    await sql(`create or replace function hold() returns trigger language plpgsql as
      $$ begin new.state := 'set_aside'; new.reason := '<b>did not finish</b> in 3 attempts'; return new; end $$`);
    await sql("create trigger hold before insert on mailbox for each row execute function hold()");
    const held: HeldQuestion[] = [];
    for (const body of bodies) {
      const eventId = await alice.user.sendText({ roomId: alice.roomId, body });
      await eventually("the question to be set aside", async () => {
        const rows = await sql<{ id: number }>("select id from mailbox where event_id = $1", [eventId]);
        held.push(...rows.map(({ id }) => ({ id, eventId })));
        return rows.length > 0;
      });
    }
    await sql("drop trigger hold on mailbox");
    return held;
  }

  /** The ids of mail that is still there. */
  async function idsLeft(held: readonly HeldQuestion[]): Promise<number[]> {
    const ids = held.map(({ id }) => id);
    return (await sql<{ id: number }>("select id from mailbox where id = any($1::bigint[])", [ids])).map(
      ({ id }) => id,
    );
  }

  async function isAnswered(body: string): Promise<void> {
    const { user, roomId } = alice;
    await user.waitMessage({ roomId, sender: demo, where: (message) => message.body.includes(body) });
  }

  it("mail that was set aside, one by one", async () => {
    const [dropped, retried, kept] = await ask("to be dropped", "to be tried again", "to be kept");
    assert.ok(dropped && retried && kept);
    const page = await at("/mail");
    const row = ({ eventId }: HeldQuestion): Locator => page.locator("tbody tr", { hasText: eventId });
    await row(dropped).getByText("<b>did not finish</b> in 3 attempts").waitFor();
    await row(dropped).locator("summary").click();
    await row(dropped).getByText("The agent never handles this event.").waitFor();
    await decideBy(row(dropped).getByRole("button", { name: "Drop" }));
    await page.getByText("The events were dropped.").waitFor();
    await decideBy(row(retried).getByRole("button", { name: "Try again" }));
    await page.getByText("The events are tried again.").waitFor();
    await isAnswered("to be tried again");
    assert.deepEqual(await idsLeft([dropped, retried, kept]), [kept.id]);
    assert.equal(await isAudited("mailbox drop", String(dropped.id)), true);
    assert.equal(await isAudited("mailbox retry", String(retried.id)), true);
  });

  it("mail that was set aside, all of it", async () => {
    await ask("to be tried with the one before");
    const page = await at("/mail");
    await decideBy(page.getByRole("button", { name: "Try all again that were set aside" }));
    await page.getByText("The events are tried again.").waitFor();
    await isAnswered("to be tried with the one before");
    const others = await ask("to be dropped, too", "and this");
    await page.locator("tbody tr", { hasText: others[1]?.eventId ?? "?" }).waitFor();
    await page.locator("summary", { hasText: "Drop all that were set aside" }).click();
    await page.getByText("Agents never handle these events.").waitFor();
    await decideBy(page.getByRole("button", { name: "Drop all that were set aside" }));
    await page.getByText("The events were dropped.").waitFor();
    assert.deepEqual(await idsLeft(others), []);
    await page.getByText("Nothing was set aside").waitFor();
    assert.equal(await isAudited("mailbox retry", "all"), true);
    assert.equal(await isAudited("mailbox drop", "all"), true);
  });

  it("a new device, with which the agent answers encrypted", async () => {
    const { user, roomId } = await person("dora");
    const [old] = await user.deviceTrust(demo);
    const page = await at("/");
    const card = page.locator(`[id="${demo}"]`);
    await card.locator("summary", { hasText: "New device" }).click();
    await card.getByText("Nobody has to verify it again.").waitFor();
    await decideBy(card.getByRole("button", { name: "New device" }));
    await page.getByText("The agent gets a new device within a minute.").waitFor();
    await eventually("Dora's client to know the new device", async () => {
      const devices = await user.deviceTrust(demo);
      return devices.length === 1 && devices[0]?.deviceId !== old?.deviceId && devices[0]?.signedByOwner === true;
    });
    const [device] = await user.deviceTrust(demo);
    await card.getByText(device?.deviceId ?? "?").waitFor();
    const answer = await answerTo(user, roomId, "is it still you?");
    assert.equal(answer.encrypted, true);
    assert.equal(await isAudited("keys new-device", demo), true);
  });

  it("by two admins at once: one is told that it is done, the other that nothing was changed", async () => {
    const { user, roomId } = await person("eve");
    const pages = await Promise.all([at("/verifications"), at("/verifications")]);
    await user.verify({ userId: demo, roomId });
    const button = (page: Page): Locator => cardOf(page, user).getByRole("button", { name: "They match" });
    for (const page of pages) await button(page).waitFor();
    // Both see the button when they press it, whatever the page shows a moment later.
    const forms = await Promise.all(
      pages.map(async (page) => {
        const fields = cardOf(page, user).locator("form[action$=verification-confirm] input");
        return Object.fromEntries(
          await Promise.all(
            (await fields.all()).map(async (field) => [await field.getAttribute("name"), await field.inputValue()]),
          ),
        ) as Record<string, string>;
      }),
    );
    const said = await Promise.all(
      pages.map(async (page, index) => {
        const form = forms[index] ?? {};
        const sent = await page.request.post(`${web.url}/do/verification-confirm`, {
          form,
          headers: { origin: web.url },
        });
        const text = await sent.text();
        return ["Confirmed:", "Nothing was changed"].filter((words) => text.includes(words)).join();
      }),
    );
    assert.deepEqual(said.sort(), ["Confirmed:", "Nothing was changed"]);
    assert.deepEqual(await user.finishVerification(true), { done: true });
    const decided = (await commands()).filter((line) => line.includes(user.userId));
    assert.equal(decided.length, 1, decided.join("\n"));
  });

  it("never about what has just moved under the pointer", async () => {
    const ids: number[] = [];
    for (const name of ["@gone:example.test", "@stays:example.test"]) {
      const [row] = await sql<{ id: number }>(
        `insert into verifications (ghost, flow_id, user_id, state, emoji) values ($1, $2, $2, 'comparing', $3) returning id`,
        [demo, name, JSON.stringify([{ symbol: "🐶", description: "Dog" }])],
      );
      ids.push(row?.id ?? 0);
    }
    const page = await at("/verifications");
    await page.getByText("@stays:example.test").waitFor();
    // As somebody who is about to press the button of the upper one.
    await page.evaluate(`
      window.prevented = [];
      document.addEventListener("submit", (event) => window.prevented.push(event.defaultPrevented));
      new MutationObserver(() => {
        for (const button of document.querySelectorAll("main form button")) button.click();
      }).observe(document.querySelector("main"), { childList: true, subtree: true });
    `);
    await sql("delete from verifications where id = $1", [ids[0]]);
    await eventually("a button to be pressed", () => page.evaluate<boolean>("window.prevented.length > 0"));
    assert.deepEqual(
      (await page.evaluate<boolean[]>("window.prevented")).filter((isPrevented) => !isPrevented),
      [],
    );
    await page.reload();
    await decideBy(page.getByRole("button", { name: "They match" }));
    await page.getByText("Confirmed:").waitFor();
    const rows = await sql("select id, decision from verifications where id = any($1::bigint[])", [ids]);
    assert.deepEqual(rows, [{ id: ids[1], decision: "match" }]);
    await sql("delete from verifications where id = any($1::bigint[])", [ids]);
  });

  it("by nobody who may only look: they see the same without forms", async () => {
    const { user, roomId } = await person("frank");
    const [held] = await ask("for eyes alone");
    const emoji = await user.verify({ userId: demo, roomId });
    const page = await at("/verifications", true);
    const card = cardOf(page, user);
    await card.locator(".emoji li").first().waitFor();
    assert.deepEqual(await card.locator(".emoji li span").allInnerTexts(), emoji);
    for (const path of ["/", "/verifications", "/mail"]) {
      await page.goto(`${web.url}${path}`);
      assert.equal(await page.locator("main form, main button, main summary").count(), 0, path);
    }
    await page.getByText(held?.eventId ?? "?").waitFor();
    const anyone = await at("/verifications");
    await cardOf(anyone, user).locator("summary").click();
    await decideBy(cardOf(anyone, user).getByRole("button", { name: "They differ" }));
    assert.equal((await user.finishVerification(true)).done, false);
  });
});
