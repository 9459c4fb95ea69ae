import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explainPip } from "../../../quickstart/pip-failure.ts";

const OFFLINE = [
  "WARNING: Retrying (Retry(total=4, connect=None, read=None, redirect=None, status=None)) after connection broken by 'NewConnectionError(\"HTTPSConnection(host='pypi.org', port=443): Failed to establish a new connection: [Errno -3] Temporary failure in name resolution\")': /simple/attrs/",
  "ERROR: Could not find a version that satisfies the requirement attrs==26.1.0 (from versions: none)",
  "ERROR: No matching distribution found for attrs==26.1.0",
];

describe("pip's failure", () => {
  for (const [output, says] of [
    [OFFLINE, /^the package index can't be reached: .*HTTPS_PROXY.*PIP_INDEX_URL.*try again$/],
    [
      ["ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden'))"],
      /^the proxy refuses/,
    ],
    [
      ["SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))"],
      /PIP_CERT/,
    ],
    [
      ["ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."],
      /^the package index gave another file/,
    ],
    [["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"], /^the disk is full/],
    // All that pip says where it does not try again.
    [OFFLINE.slice(1), /^the package index can't be reached/],
    [["ERROR: No matching distribution found for matrix-synapse==1.163.2"], /^there is no package for this Python/],
  ] as const) {
    it(`is said in words: ${output[0].slice(0, 40)}`, () => {
      assert.match(explainPip(output), says);
      assert.ok(!explainPip(output).includes("\n"));
    });
  }

  it("is told in pip's own words where we know no better ones, the last of them", () => {
    const output = Array.from({ length: 40 }, (_, line) => `line ${line}`);
    assert.match(explainPip(output), /^pip says:\nline 25\n[^]*line 39$/);
  });
});
