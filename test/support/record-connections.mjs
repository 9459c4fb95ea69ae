// Preloaded into the bridge: writes on standard error each address that it connects to and each name that it looks up.
import dns from "node:dns";
import net from "node:net";

const say = (msg, fields) => process.stderr.write(`${JSON.stringify({ level: 20, msg, ...fields })}\n`);

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
  const [options] = Array.isArray(args[0]) ? args[0] : args;
  const { host, port, path } = typeof options === "object" ? options : { port: options };
  say("dialled", { host: host ?? path ?? "localhost", port: Number(port ?? 0) });
  return connect.apply(this, args);
};

const { lookup } = dns;
dns.lookup = function (name, ...rest) {
  say("looked up", { host: name });
  return lookup.call(this, name, ...rest);
};
