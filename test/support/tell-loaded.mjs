// Writes on standard error the name of every loaded module that is no part of Node: node --import
// test/support/tell-loaded.mjs
import { writeSync } from "node:fs";
import { registerHooks } from "node:module";

const root = new URL("../../", import.meta.url).href;

/** Writes a line, and waits while the reader of a full pipe is slow: the program may have made the pipe non-blocking. */
function tell(line) {
  for (let rest = Buffer.from(`${line}\n`); rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(2, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

registerHooks({
  load(url, context, next) {
    if (!url.startsWith("node:")) tell(`loaded ${url.replace(root, "")}`);
    return next(url, context);
  },
});
