// Preloaded into the bridge: a library that tries to call home, again and again, in every possible way.
import { lookup } from "node:dns";
import { get } from "node:http";
import { connect } from "node:net";

const { CANARY_PORT: port } = process.env;
setInterval(() => {
  const ignore = () => undefined;
  get(`http://127.0.0.1:${port}/telemetry`).on("error", ignore);
  connect(Number(port), "127.0.0.1")
    .on("error", ignore)
    .on("connect", () => process.stderr.write('{"msg":"escaped"}\n'));
  fetch(`http://127.0.0.1:${port}/telemetry`).then(() => process.stderr.write('{"msg":"escaped"}\n'), ignore);
  lookup("telemetry.example.org", (error) => {
    if (error === null) process.stderr.write('{"msg":"escaped"}\n');
  });
}, 100).unref();
