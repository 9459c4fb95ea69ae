import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isOwnAddress, localityOf } from "../../../src/config/locality.ts";

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

  it("is of no host of the internet when it is private, reserved, or stands for such a one", () => {
    for (const address of [
      ...["127.0.0.1", "10.0.0.1", "172.20.0.1", "192.168.0.1", "169.254.169.254", "100.100.0.1", "0.0.0.0", "0.1.2.3"],
      ...["192.0.0.8", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"],
      ...["::", "::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"],
      ...["64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "no address", ""],
    ])
      assert.equal(isOwnAddress(address), true, address);
    for (const address of ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"])
      assert.equal(isOwnAddress(address), false, address);
  });
});
