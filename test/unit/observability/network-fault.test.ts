import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { request } from "undici";
import { reasonOfNetworkCode, reasonOfNetworkError, wasNeverSent } from "../../../src/observability/network-fault.ts";
import { freePort } from "../../support/free-port.ts";

describe("the reason of a failed connection", () => {
  for (const [code, words] of [
    ["ECONNREFUSED", /nothing listens there/],
    ["ENOTFOUND", /no host of that name/],
    ["EAI_AGAIN", /can't be looked up/],
    ["UND_ERR_CONNECT_TIMEOUT", /no answer comes in time/],
    ["EHOSTUNREACH", /no way to it/],
    ["UND_ERR_SOCKET", /hangs up/],
    ["HPE_INVALID_CONSTANT", /speaks no HTTP/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", /certificate is for another name/],
    ["CERT_HAS_EXPIRED", /certificate has expired/],
    ["CERT_NOT_YET_VALID", /clock may be wrong/],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", /certificate is not trusted/],
    ["ERR_SSL_WRONG_VERSION_NUMBER", /speaks no TLS/],
    ["ERR_SSL_TLSV1_UNRECOGNIZED_NAME", /refuses the TLS connection/],
  ] as const) {
    it(`is in words for ${code}, which stands behind them`, () => {
      const said = reasonOfNetworkCode(code) ?? "";
      assert.match(said, words);
      assert.ok(said.endsWith(`(${code})`));
    });
  }

  it("is found in the causes of an error, and in the several errors of a host with several addresses", async () => {
    const refused = await request(`http://localhost:${await freePort()}`).catch((error: unknown) => error);
    assert.match(reasonOfNetworkError(refused) ?? "", /nothing listens there/);
    assert.ok(wasNeverSent(refused));
    await using rude = createServer((socket) => socket.destroy());
    const port = await freePort();
    await new Promise<void>((listening) => rude.listen(port, "127.0.0.1", listening));
    const cut = await request(`http://127.0.0.1:${port}`).catch((error: unknown) => error);
    assert.match(reasonOfNetworkError(new TypeError("fetch failed", { cause: cut })) ?? "", /hangs up/);
    assert.ok(!wasNeverSent(cut));
    await using other = createServer((socket) =>
      socket
        .on("error", () => undefined)
        .resume()
        .end("SSH-2.0-x\r\n"),
    );
    const otherPort = await freePort();
    await new Promise<void>((listening) => other.listen(otherPort, "127.0.0.1", listening));
    const garbled = await request(`http://127.0.0.1:${otherPort}`).catch((error: unknown) => error);
    assert.match(reasonOfNetworkError(garbled) ?? "", /speaks no HTTP/);
  });

  it("is none for another error, and an endless chain of causes ends", () => {
    assert.equal(reasonOfNetworkError(new Error("x")), undefined);
    assert.equal(reasonOfNetworkError("x"), undefined);
    const circle = new Error("x");
    circle.cause = circle;
    assert.equal(reasonOfNetworkError(circle), undefined);
  });
});
