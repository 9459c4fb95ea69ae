import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startCaddy, startNginx, type ProxyPlace } from "../support/documented-proxy.ts";
import { freePort } from "../support/free-port.ts";
import { startPathProxy } from "../support/path-proxy.ts";
import { assertGoesOn, decideBy, startWebDeployment } from "../support/web-page.ts";

interface KindOfProxy {
  readonly what: string;
  readonly scheme: "http" | "https";
  readonly start: (place: ProxyPlace) => Promise<{ stop(): Promise<void> }>;
}

const path = "/agents";

const PROXIES: readonly KindOfProxy[] = [
  {
    what: "one that leaves the path",
    scheme: "http",
    start: (place) => startPathProxy({ ...place, path, isStripped: false }),
  },
  {
    what: "one that takes the path away",
    scheme: "http",
    start: (place) => startPathProxy({ ...place, path, isStripped: true }),
  },
  { what: "nginx, as the manual says", scheme: "https", start: startNginx },
  { what: "Caddy, as the manual says", scheme: "https", start: startCaddy },
];

describe("the page behind a proxy, below a path", () => {
  for (const { what, scheme, start } of PROXIES) {
    it(`works behind ${what}`, async (test) => {
      const port = await freePort();
      const origin = `${scheme}://localhost:${port}`;
      const url = `${origin}/agents`;
      const web = await startWebDeployment({}, { url });
      test.after(() => web.stop());
      const target = Number(new URL(web.url).port);
      const proxy = await start({ port, target });
      test.after(() => proxy.stop());

      const link = await web.link();
      assert.ok(link.startsWith(`${url}/sign-in#`), link);
      const page = await web.signedIn({ ignoreHTTPSErrors: true });
      assert.equal(page.url(), `${url}/`);
      const foreign: string[] = [];
      page.on("response", (response) => {
        if (response.status() >= 400 || !response.url().startsWith(`${url}/`)) foreign.push(response.url());
      });
      for (const name of ["At work", "Rooms", "Usage", "Set aside", "Audit log", "Checks", "System", "Agents"]) {
        await page.getByRole("link", { name, exact: true }).click();
        await page.getByRole("heading", { name, level: 1 }).waitFor();
      }
      await page.goto(`${url}/?page=2`);
      await page.getByRole("link", { name: "Deutsch" }).click();
      await page.getByRole("heading", { name: "Agenten" }).waitFor();
      await page.getByRole("link", { name: "English" }).click();
      await page.locator("summary", { hasText: "New device" }).first().click();
      await decideBy(page.locator("form[action$=new-device] button").first());
      await page.getByText("The agent gets a new device within a minute.").waitFor();
      assert.ok(page.url().startsWith(`${url}/?said=`), page.url());
      assert.deepEqual(foreign, []);

      await page.goto(`${url}/audit`);
      await assertGoesOn(web, page);
      // Without a slash, as people type it.
      await page.goto(url);
      await page.getByRole("heading", { name: "Agents", level: 1 }).waitFor();
      const session = async (): Promise<string | undefined> =>
        (await page.context().cookies()).find(({ name }) => name.endsWith("matrix_agents_session"))?.path;
      assert.equal(await session(), "/agents");
      const other = await page.goto(`${origin}/other`);
      assert.doesNotMatch((await other?.text()) ?? "", /<html lang/, "the rest of the host is not the page's");

      await page.goto(`${url}/`);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.waitForURL(`${url}/sign-in`);
      assert.equal(await session(), undefined);
    });
  }
});
