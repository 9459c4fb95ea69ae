// Loaded before the bridge (node --import): throws an error that nobody catches, with text attached to it as drivers
// do, as soon as the bridge could log it, or after a line of input where the environment says so.
import { readSync, writeSync } from "node:fs";

const timer = setInterval(() => {
  if (process.listenerCount("uncaughtException") === 0) return;
  clearInterval(timer);
  if (process.env.WAITS_FOR_A_LINE === "yes") {
    writeSync(1, "waiting\n");
    readSync(0, Buffer.alloc(1));
  }
  const said = process.env.SAID;
  throw Object.assign(new Error(`no such thing: "${said}"`), { detail: said, params: [said] });
}, 10);
