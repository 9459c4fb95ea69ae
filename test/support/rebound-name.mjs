// Preloaded into a bridge: the name in REBOUND is found on loopback, as if its owner had it point there.
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";

const { lookup } = dns;
dns.lookup = (name, options, callback) => {
  if (name !== process.env.REBOUND) return lookup(name, options, callback);
  const all = typeof options === "object" && options?.all === true;
  const done = typeof options === "function" ? options : callback;
  process.nextTick(done, null, ...(all ? [[{ address: "127.0.0.1", family: 4 }]] : ["127.0.0.1", 4]));
};
syncBuiltinESMExports();
