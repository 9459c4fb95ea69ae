// A separate program: restricts itself, then tries every way out that a library has, and reports each result.
import childProcess from "node:child_process";
import dgram from "node:dgram";
import dns, { lookup as namedLookup } from "node:dns";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import module from "node:module";
import { fileURLToPath } from "node:url";
import net from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { Worker } from "node:worker_threads";
import { Agent, fetch as undiciFetch } from "undici";
import { guardEgress } from "../../src/egress/guard.ts";

const [open, shut] = process.argv.slice(2, 4).map(Number);
const folder = process.argv[4];
const refused = [];
const reader = fileURLToPath(new URL("../../src/documents/document-reader.ts", import.meta.url));
const program = { file: process.execPath, args: [reader] };
guardEgress(program).allow(
  [{ host: "127.0.0.1", port: open }, { host: "localhost", port: shut }, { path: join(folder, "in") }],
  (what) => refused.push(what),
);

const once = (emitter, good) =>
  new Promise((resolve) => {
    emitter.once(good, () => resolve("reached"));
    emitter.once("error", (error) => resolve(error.cause?.name ?? error.name));
  });
const called = (work) => new Promise((resolve) => work((error) => resolve(error?.name ?? "reached")));
const awaited = (promise) =>
  promise.then(
    () => "reached",
    (error) => error.cause?.name ?? error.name,
  );
const tried = (work) => {
  try {
    work();
    return "reached";
  } catch (error) {
    return error.name;
  }
};

const native = join(folder, "native.node");
/** A name that leads anywhere. */
let isAsked = false;
const elsewhere = (_host, { all }, done) => {
  isAsked = true;
  done(null, ...(all ? [[{ address: "127.0.0.1", family: 4 }]] : ["127.0.0.1", 4]));
};
/** Options with one value at the first look, and another value afterwards. */
const fickle = (name, first, then) => {
  let looks = 0;
  const options = { host: "127.0.0.1", port: open };
  // A copy keeps the first value; without a copy, the second address is reached.
  return Object.defineProperty(options, name, { enumerable: true, get: () => (looks++ === 0 ? first : then) });
};
const missing = () => {
  throw Object.assign(new Error("there is none"), { name: "EgressRefused" });
};
/** All members with which a version of Node can look up names, including later versions. */
async function everyLookup() {
  const tables = { dns, "dns.promises": dns.promises, "dns.Resolver": new dns.Resolver() };
  tables["dns.promises.Resolver"] = new dns.promises.Resolver();
  const found = {};
  for (const [table, lookups] of Object.entries(tables)) {
    const names = new Set();
    for (let of = lookups; of !== null && of !== Object.prototype; of = Object.getPrototypeOf(of)) {
      for (const name of Object.getOwnPropertyNames(of)) if (typeof lookups[name] === "function") names.add(name);
    }
    for (const name of names) {
      if (/^(constructor|Resolver|[gs]etDefaultResultOrder|[gs]etServers|cancel|setLocalAddress|_.*)$/.test(name))
        continue;
      const isService = name === "lookupService";
      const args = isService ? ["192.0.2.1", 80] : [name === "reverse" ? "192.0.2.1" : "secret.example.org"];
      found[`${table}.${name}`] = table.includes("promises")
        ? await awaited(lookups[name](...args))
        : await called((done) => lookups[name](...args, done));
    }
  }
  return found;
}

const results = {
  "net, allowed": await once(net.connect(open, "127.0.0.1"), "connect"),
  "fetch, allowed": await awaited(fetch(`http://127.0.0.1:${open}/`)),
  "undici, allowed": await awaited(undiciFetch(`http://127.0.0.1:${open}/`)),
  net: await once(net.connect(shut, "127.0.0.1"), "connect"),
  "net, another host": await once(net.connect({ port: open, host: "127.0.0.2" }), "connect"),
  "net, by name": await once(net.connect(open, "localhost"), "connect"),
  "new Socket": await once(new net.Socket().connect({ port: shut, host: "127.0.0.1" }), "connect"),
  "net, with a lookup of its own": await once(
    net.connect({ host: "localhost", port: shut, lookup: elsewhere }),
    "connect",
  ),
  "tls, with a lookup of its own": await once(
    tls.connect({ host: "localhost", port: shut, lookup: elsewhere }),
    "secureConnect",
  ),
  "http, with a lookup of its own": await once(
    http.get({ host: "localhost", port: shut, lookup: elsewhere }),
    "response",
  ),
  "https, with a lookup of its own": await once(
    https.get({ host: "localhost", port: shut, lookup: elsewhere }),
    "response",
  ),
  "undici, with a lookup of its own": await awaited(
    undiciFetch(`http://localhost:${shut}/`, { dispatcher: new Agent({ connect: { lookup: elsewhere } }) }),
  ),
  "net, with the usual lookup, allowed": await once(
    net.connect({ host: "127.0.0.1", port: open, lookup: dns.lookup }),
    "connect",
  ),
  "net, with addresses to choose from": await once(
    net.connect({ host: "127.0.0.2", port: open, autoSelectFamily: true }),
    "connect",
  ),
  "net, with a list of blocked addresses": await once(
    net.connect({ host: "127.0.0.2", port: open, blockList: new net.BlockList() }),
    "connect",
  ),
  "net, with options that change": await once(net.connect(fickle("host", "127.0.0.1", "127.0.0.2")), "connect"),
  "net, with options that turn to a path": await once(
    net.connect(fickle("path", undefined, join(folder, "out.sock"))),
    "connect",
  ),
  "net, with what only reads like a host": await once(
    net.connect({ port: open, host: { toString: () => "127.0.0.2" } }),
    "connect",
  ).catch(() => "EgressRefused"),
  "net, in the folder that is allowed, allowed": await once(net.connect(join(folder, "in/in.sock")), "connect"),
  "net, a way up from the folder that is allowed": await once(
    net.connect(join(folder, "in") + "/../out.sock"),
    "connect",
  ),
  "net, a path in options": await once(net.connect({ path: join(folder, "out.sock") }), "connect"),
  // It reports a connection before its socket has one.
  http2: await once(http2.connect(`http://127.0.0.1:${shut}`), "remoteSettings"),
  "a WebSocket": await new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.2:${open}`);
    socket.addEventListener("open", () => resolve("reached"));
    socket.addEventListener("error", () => resolve(refused.at(-1) === `127.0.0.2:${open}` ? "EgressRefused" : "?"));
  }),
  "local socket": await once(net.connect("/tmp/nobody.sock"), "connect"),
  tls: await once(tls.connect(shut, "127.0.0.1"), "secureConnect"),
  http: await once(http.get(`http://127.0.0.1:${shut}/`), "response"),
  https: await once(https.get(`https://127.0.0.1:${shut}/`), "response"),
  fetch: await awaited(fetch(`http://127.0.0.1:${shut}/`)),
  undici: await awaited(undiciFetch(`http://127.0.0.1:${shut}/`)),
  "dns.lookup": await called((done) => dns.lookup("example.org", done)),
  "named lookup": await called((done) => namedLookup("example.org", done)),
  ...(await everyLookup()),
  "another DNS server": tried(() => dns.setServers(["127.0.0.1"])),
  "another DNS server, by promises": tried(() => dns.promises.setServers(["127.0.0.1"])),
  "another DNS server of a resolver": tried(() => new dns.Resolver().setServers(["127.0.0.1"])),
  "another DNS server of a promises' resolver": tried(() => new dns.promises.Resolver().setServers(["127.0.0.1"])),
  "dns.resolve4": await called((done) => dns.resolve4("example.org", done)),
  "dns.resolveTxt": await called((done) => dns.resolveTxt("secret.example.org", done)),
  "dns.resolveTlsa": await called((done) => dns.resolveTlsa("_443._tcp.example.org", done)),
  "dns.reverse": await called((done) => dns.reverse("192.0.2.1", done)),
  "dns.lookupService": await called((done) => dns.lookupService("192.0.2.1", 80, done)),
  "dns.Resolver": await called((done) => new dns.Resolver().resolve4("example.org", done)),
  "dns.promises.Resolver": await awaited(new dns.promises.Resolver().resolveTxt("example.org")),
  "dns.lookup of an address, allowed": await called((done) => dns.lookup("192.0.2.1", done)),
  "dns.promises": await awaited(dns.promises.lookup("example.org")),
  "udp, connected": tried(() => dgram.createSocket("udp4").connect(shut, "127.0.0.1")),
  "udp, connected at once": tried(() => dgram.createSocket("udp4").connectSync?.(shut, "127.0.0.1") ?? missing()),
  "udp, by sendto": tried(() => dgram.createSocket("udp4").sendto(Buffer.from("x"), 0, 1, shut, "127.0.0.1")),
  "udp, with a lookup of its own": tried(() =>
    dgram.createSocket({ type: "udp4", lookup: elsewhere }).send("x", shut, "localhost"),
  ),
  "another thread": tried(() => new Worker("1", { eval: true })),
  "another thread, for loading modules": tried(() => module.register("data:text/javascript,")),
  "native code": tried(() => process.dlopen({ exports: {} }, "/nowhere.node")),
  "native code, by require": tried(() => module.createRequire(import.meta.url)(native)),
  "Node's own insides": tried(() => process.binding("tcp_wrap")),
  "Node's own insides, linked": tried(() => process._linkedBinding("tcp_wrap")),
  "the numbers of the system, allowed": tried(() => process.binding("constants")),
  "another program in this one's place": tried(() => process.execve("/bin/true", ["/bin/true"], {})),
  udp: tried(() => dgram.createSocket("udp4").send("x", shut, "127.0.0.1")),
  "the allowed program, allowed": tried(() => childProcess.spawn(process.execPath, [reader, "{}"], { env: {} })),
  "the allowed program, with an environment": tried(() =>
    childProcess.spawn(process.execPath, [reader, "{}"], { env: { NODE_OPTIONS: "--import=./evil.mjs" } }),
  ),
  "the allowed program, with other arguments": tried(() =>
    childProcess.spawn(process.execPath, ["--import=./evil.mjs", reader], { env: {} }),
  ),
  "the allowed program's runtime": tried(() => childProcess.execFile(process.execPath, ["-e", "1"], { env: {} })),
  "the allowed program by fork, allowed": tried(() => childProcess.fork(reader, ["{}"], { env: {}, silent: true })),
  "fork with other arguments": tried(() =>
    childProcess.fork(reader, ["{}"], { env: {}, silent: true, execArgv: ["--import=./evil.mjs"] }),
  ),
  spawn: tried(() => childProcess.spawn("curl", ["http://127.0.0.1"])),
  exec: tried(() => childProcess.exec("curl http://127.0.0.1")),
  execSync: tried(() => childProcess.execSync("curl http://127.0.0.1")),
};
// Not all of them pass it on; then the system resolves the name.
await once(http2.connect(`http://localhost:${shut}`, { lookup: elsewhere }), "remoteSettings");
await once(http2.connect(`https://localhost:${shut}`, { lookup: elsewhere }), "remoteSettings");
results["whatever has a lookup of its own"] = isAsked ? "asked" : "EgressRefused";
console.log(JSON.stringify({ results, refused }));
process.exit(0);
