import assert from "node:assert/strict";
import dns from "node:dns";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, it, mock } from "node:test";
import { gzipSync } from "node:zlib";
import { readUrl } from "../../../../src/tools/own/read-url.ts";
import type { ToolResult } from "../../../../src/tools/tool-result.ts";
import { contextOf } from "../../../support/tool-servers.ts";

const stops: (() => void)[] = [];

/** A web server on loopback. Returns its host with the port. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  stops.push(() => server.close().closeAllConnections());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function read(hosts: string[], url: unknown, locality: "local" | "cloud" = "cloud"): Promise<ToolResult> {
  const call = { ...contextOf(), given: { url }, signal: AbortSignal.timeout(20_000) };
  return readUrl({ hosts, locality }).run(call);
}

describe("the reading of web pages", () => {
  after(() => {
    for (const stop of stops) stop();
  });

  it("turns a page into text", async () => {
    const host = await serve((request, response) => {
      assert.equal(request.headers.cookie, undefined);
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end("<!doctype html><title>Whales</title><script>evil()</script><p>They <b>sing</b>.</p>");
    });
    const { text, isError } = await read([host], `http://${host}/whales?a=b#c`);
    assert.equal(isError, false);
    assert.match(text, /They sing\./);
    assert.doesNotMatch(text, /evil|<b>/);
  });

  it("reads plain text, packed or not", async () => {
    const host = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "text/plain", "content-encoding": "gzip" });
      response.end(gzipSync("They sing."));
    });
    assert.equal((await read([host], `http://${host}/whales.txt`)).text, "They sing.");
  });

  it("reads only named hosts, at their port, by http and https", async () => {
    const host = await serve((_request, response) => response.end("secret"));
    for (const url of [
      "http://example.org/",
      "http://127.0.0.1/",
      `http://127.0.0.1:1/`,
      `http://${host}.example.org/`,
      `http://${host}@example.org/`,
      "http://127.0.0.2/",
      `ftp://${host}/`,
      "file:///etc/passwd",
      "data:text/plain,a",
      `http://me:secret@${host}/`,
      "no address",
      `http://${host}/${"a".repeat(3_000)}`,
      7,
    ]) {
      const { text, isError } = await read([host], url);
      assert.match(text, /^Not done: (only pages of these hosts|the address must)/, String(url));
      assert.equal(isError, true);
    }
  });

  it("is led on within the host, and to no other", async () => {
    const other = await serve((_request, response) => response.end("secret"));
    const host = await serve((request, response) => {
      const to = new Map([
        ["/within", "/page"],
        ["/away", `http://${other}/`],
        ["/name", `http://localhost:${other.split(":")[1]}/`],
        ["/scheme", "file:///etc/passwd"],
        ["/for-ever", "/for-ever"],
      ]).get(request.url ?? "");
      if (to === undefined) response.end("They sing.");
      else response.writeHead(302, { location: to }).end();
    });
    assert.equal((await read([host], `http://${host}/within`)).text, "They sing.");
    for (const path of ["/away", "/name", "/scheme", "/for-ever"])
      assert.match((await read([host, other], `http://${host}${path}`)).text, /leads to another host/, path);
  });

  it("does not follow a name into the own network, unless the admin says that it is there", async () => {
    const host = await serve((_request, response) => response.end("secret"));
    const real = dns.lookup;
    const found = (name: string, options: object, done: (...got: unknown[]) => void): void => {
      if (name !== "wiki.example.org") real(name, options, done as never);
      else
        process.nextTick(
          done,
          null,
          ...("all" in options ? [[{ address: "127.0.0.1", family: 4 }]] : ["127.0.0.1", 4]),
        );
    };
    mock.method(dns, "lookup", found);
    const name = `wiki.example.org:${host.split(":")[1]}`;
    assert.match((await read([name], `http://${name}/`)).text, /not a public one/);
    assert.equal((await read([name], `http://${name}/`, "local")).text, "secret");
    mock.restoreAll();
    assert.equal(
      (await read([`localhost:${host.split(":")[1]}`], `http://localhost:${host.split(":")[1]}/`)).text,
      "secret",
    );
  });

  it("gives up what is too large, damaged, or no text", async () => {
    const host = await serve((request, response) => {
      switch (request.url ?? "") {
        case "/large":
          response.end(Buffer.alloc(6_000_000, "a"));
          break;
        case "/bomb":
          response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(50_000_000)));
          break;
        case "/unknown":
          response.writeHead(200, { "content-encoding": "none-such" }).end("a");
          break;
        case "/picture":
          response.end(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1]));
          break;
        case "/gone":
          response.writeHead(404).end("nothing");
          break;
        default:
          response.destroy();
      }
    });
    for (const [path, words] of [
      ["/large", /too large/],
      ["/bomb", /too large/],
      ["/unknown", /too large|can't be read/],
      ["/picture", /no page, text or PDF/],
      ["/gone", /status 404/],
      ["/broken", /can't be reached/],
    ] as const)
      assert.match((await read([host], `http://${host}${path}`)).text, words, path);
  });

  it("ends when nobody waits any more", async () => {
    const host = await serve(() => undefined);
    const stop = new AbortController();
    const call = { ...contextOf(), given: { url: `http://${host}/` }, signal: stop.signal };
    const reading = readUrl({ hosts: [host], locality: "cloud" }).run(call);
    setTimeout(() => stop.abort(new Error("stopped")), 50);
    await assert.rejects(reading, /stopped/);
  });
});
