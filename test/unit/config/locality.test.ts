import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { localityOf } from "../../../src/config/locality.ts";

describe("an address", () => {
  it("is local when it is a loopback or private one", () => {
    for (const url of [
      "http://127.0.0.1:11434",
      "http://localhost:8000/v1",
      "127.0.0.1:11434",
      "http://[::1]:1",
      "http://10.1.2.3",
      "http://172.16.0.1",
      "http://172.31.255.255",
      "https://192.168.1.10/v1",
      "http://169.254.1.1",
      "http://100.64.0.1",
      "http://[fd00::1]",
      "http://[fe80::1]",
      "http://[::ffff:10.0.0.1]",
      "http://0x7f.1",
    ]) {
      assert.equal(localityOf(url), "local", url);
    }
  });

  it("is the cloud in all other cases, including names that may lead anywhere", () => {
    for (const url of [
      "https://api.anthropic.com",
      "http://8.8.8.8",
      "http://172.32.0.1",
      "http://100.128.0.1",
      "http://[2001:db8::1]",
      "http://[::ffff:8.8.8.8]",
      "http://ollama:11434",
      "http://localhost.example.org",
      "http://127.0.0.1.nip.io",
      "http://user:127.0.0.1@evil.example",
    ]) {
      assert.equal(localityOf(url), "cloud", url);
    }
  });
});
