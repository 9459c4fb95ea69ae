import { describe, it } from "node:test";
import { startWebDeployment } from "../support/web-page.ts";
import { chatWith, answerTo } from "../support/calling-chat.ts";
describe("dev", () => {
  it("shows", async () => {
    const { deployment, ollama, signedIn } = await startWebDeployment();
    const alice = await deployment.user("js-sdk", "alice");
    const room = await chatWith(deployment, alice, "llama");
    await answerTo(alice, room, "hello");
    const demo = await chatWith(deployment, alice, "demo");
    await answerTo(alice, demo, "hello");
    const page = await signedIn({ viewport: { width: 1280, height: 900 } });
    page.on("console", (m) => console.log(m.type(), m.text()));
    page.on("pageerror", (m) => console.log(m));
    for (const view of ["", "work", "verifications", "rooms", "usage", "mail", "audit", "checks", "system"]) {
      const t = performance.now();
      const response = await page.goto(new URL(view, page.url()).href);
      console.log(view, response?.status(), Math.round(performance.now() - t));
      await page.screenshot({ path: `/tmp/shots/${view || "agents"}.png` });
    }
    await page.emulateMedia({ colorScheme: "dark" });
    await page.goto(new URL("rooms", page.url()).href + "?language=de");
    await page.screenshot({ path: "/tmp/shots/dark.png" });
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(new URL("/", page.url()).href);
    await page.screenshot({ path: "/tmp/shots/phone.png" });
    void ollama;
  });
});
