import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_OLLAMA, ollamaUrl } from "../../../src/setup/ollama-address.ts";

// The cases of Ollama's own TestHost, except the addresses to which a client cannot connect.
const CASES: readonly (readonly [setting: string | undefined, url: string])[] = [
  [undefined, DEFAULT_OLLAMA],
  ["", "http://127.0.0.1:11434"],
  ["1.2.3.4", "http://1.2.3.4:11434"],
  [":1234", "http://127.0.0.1:1234"],
  ["1.2.3.4:1234", "http://1.2.3.4:1234"],
  ["http://1.2.3.4", "http://1.2.3.4:80"],
  ["https://1.2.3.4", "https://1.2.3.4:443"],
  ["https://1.2.3.4:4321", "https://1.2.3.4:4321"],
  ["example.com", "http://example.com:11434"],
  ["example.com:1234", "http://example.com:1234"],
  ["http://example.com", "http://example.com:80"],
  ["example.com/", "http://example.com:11434"],
  ["example.com/ollama/", "http://example.com:11434/ollama"],
  ["https://example.com:1/ollama", "https://example.com:1/ollama"],
  ["[::1]", "http://[::1]:11434"],
  ["::1", "http://[::1]:11434"],
  ["[0001:002:003:0004::1]:1337", "http://[0001:002:003:0004::1]:1337"],
  ["example.com:66000", "http://example.com:11434"],
  ["http://example.com:-1", "http://example.com:80"],
  ["https://example.com:abc", "https://example.com:443"],
  [' "1.2.3.4" ', "http://1.2.3.4:11434"],
  ["'1.2.3.4'", "http://1.2.3.4:11434"],
  ["ollama.com", "https://ollama.com:443"],
  ["0.0.0.0", "http://127.0.0.1:11434"],
  ["0.0.0.0:8080", "http://127.0.0.1:8080"],
  ["[::]:8080", "http://[::1]:8080"],
];

describe("ollamaUrl", () => {
  for (const [setting, url] of CASES) {
    it(`reads ${JSON.stringify(setting)} as ${url}`, () => {
      assert.equal(ollamaUrl(setting), url);
      assert.ok(URL.canParse(url));
    });
  }
});
