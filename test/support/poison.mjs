// Loaded before the bridge (node --import): from then on the crypto engine ends the process over everything that holds the
// text of POISON, in the way that a panic in WebAssembly does: by an error that nobody can catch.
import { OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";

const poison = process.env.POISON;

for (const method of ["decryptRoomEvent", "receiveSyncChanges"]) {
  const original = OlmMachine.prototype[method];
  OlmMachine.prototype[method] = function (text, ...rest) {
    if (!text.includes(poison)) return original.call(this, text, ...rest);
    queueMicrotask(() => {
      throw new WebAssembly.RuntimeError("unreachable");
    });
    return new Promise(() => undefined);
  };
}
