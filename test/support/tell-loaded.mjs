// Writes on standard error the name of every loaded module that is no part of Node: node --import
// test/support/tell-loaded.mjs
import { writeSync } from "node:fs";
import { registerHooks } from "node:module";

const root = new URL("../../", import.meta.url).href;

registerHooks({
  load(url, context, next) {
    if (!url.startsWith("node:")) writeSync(2, `loaded ${url.replace(root, "")}\n`);
    return next(url, context);
  },
});
