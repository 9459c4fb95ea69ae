// Run in a process of its own: shuts itself in, then tries every way out that a library has, and says what came of each.
import childProcess from "node:child_process";
import dgram from "node:dgram";
import dns, { lookup as namedLookup } from "node:dns";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { fetch as undiciFetch } from "undici";
import { guardEgress } from "../../src/egress/guard.ts";

const [open, shut] = process.argv.slice(2).map(Number);
const refused = [];
guardEgress().allow([{ host: "127.0.0.1", port: open }], (what) => refused.push(what));

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

const results = {
  "net, allowed": await once(net.connect(open, "127.0.0.1"), "connect"),
  "fetch, allowed": await awaited(fetch(`http://127.0.0.1:${open}/`)),
  "undici, allowed": await awaited(undiciFetch(`http://127.0.0.1:${open}/`)),
  net: await once(net.connect(shut, "127.0.0.1"), "connect"),
  "net, another host": await once(net.connect({ port: open, host: "127.0.0.2" }), "connect"),
  "net, by name": await once(net.connect(shut, "localhost"), "connect"),
  "new Socket": await once(new net.Socket().connect({ port: shut, host: "127.0.0.1" }), "connect"),
  "local socket": await once(net.connect("/tmp/nobody.sock"), "connect"),
  tls: await once(tls.connect(shut, "127.0.0.1"), "secureConnect"),
  http: await once(http.get(`http://127.0.0.1:${shut}/`), "response"),
  https: await once(https.get(`https://127.0.0.1:${shut}/`), "response"),
  fetch: await awaited(fetch(`http://127.0.0.1:${shut}/`)),
  undici: await awaited(undiciFetch(`http://127.0.0.1:${shut}/`)),
  "dns.lookup": await called((done) => dns.lookup("example.org", done)),
  "named lookup": await called((done) => namedLookup("example.org", done)),
  "dns.resolve4": await called((done) => dns.resolve4("example.org", done)),
  "dns.resolveTxt": await called((done) => dns.resolveTxt("secret.example.org", done)),
  "dns.reverse": await called((done) => dns.reverse("192.0.2.1", done)),
  "dns.lookupService": await called((done) => dns.lookupService("192.0.2.1", 80, done)),
  "dns.Resolver": await called((done) => new dns.Resolver().resolve4("example.org", done)),
  "dns.promises.Resolver": await awaited(new dns.promises.Resolver().resolveTxt("example.org")),
  "dns.lookup of an address, allowed": await called((done) => dns.lookup("192.0.2.1", done)),
  "dns.promises": await awaited(dns.promises.lookup("example.org")),
  udp: tried(() => dgram.createSocket("udp4").send("x", shut, "127.0.0.1")),
  spawn: tried(() => childProcess.spawn("curl", ["http://127.0.0.1"])),
  exec: tried(() => childProcess.exec("curl http://127.0.0.1")),
  execSync: tried(() => childProcess.execSync("curl http://127.0.0.1")),
};
console.log(JSON.stringify({ results, refused }));
process.exit(0);
