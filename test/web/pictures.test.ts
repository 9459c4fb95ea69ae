import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { answerTo, chatWith } from "../support/calling-chat.ts";
import { inCheckout } from "../support/paths.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { startWebDeployment, type WebDeployment } from "../support/web-page.ts";

/** The rooms of the pictures, and the agents in each. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "Reading group": ["llama", "claude"],
  Kitchen: ["llama"],
};

describe("the page", () => {
  let web: WebDeployment;
  before(async () => {
    web = await startWebDeployment(
      {},
      {},
      {
        providers: { anywhere: { type: "openai", url: "http://127.0.0.1:9/v1", locality: "cloud" } },
        agents: {
          llama: { provider: "ollama", model: "llama3.2:3b", display_name: "Llama" },
          claude: { provider: "anywhere", model: "claude", display_name: "Claude" },
        },
      },
    );
    const alice = await web.deployment.user("js-sdk", "alice");
    await answerTo(alice, await chatWith(web.deployment, alice, "demo"), "hello");
    for (const [name, agents] of Object.entries(ROOMS)) {
      const invite = agents.map((agent) => web.deployment.agent(agent));
      const roomId = await alice.createRoom({ name, invite });
      for (const agent of invite) await alice.waitMember(roomId, agent);
      const [first = ""] = invite;
      const asked = await alice.sendText({ roomId, body: "hello", mentions: [first] });
      await alice.waitMessage({ roomId, sender: first, after: asked });
    }
  });
  after(() => web.stop());

  it("looks as the manual shows it", async () => {
    // TAKE_PICTURES=1 takes them for the manual.
    const isTaken = process.env["TAKE_PICTURES"] !== undefined;
    const folder = isTaken ? inCheckout("docs/images") : await temporaryDirectory("pictures");
    const page = await web.signedIn({ viewport: { width: 1180, height: 660 } });
    for (const [name, path] of [
      ["agents", "/"],
      ["rooms", "/rooms"],
    ] as const) {
      await page.goto(`${web.url}${path}`);
      assert.ok((await page.locator("main li.card").count()) >= 3);
      const picture = await page.screenshot({ path: join(folder, `web-${name}.png`) });
      assert.ok(picture.length > 10_000);
    }
  });
});
