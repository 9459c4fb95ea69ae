import { Writable } from "node:stream";
import "./util-extend.ts";
import { Logger as BridgeLogger } from "matrix-appservice-bridge";
import type { Logger } from "../observability/log.ts";

/**
 * Redirects the log lines of matrix-appservice-bridge and matrix-bot-sdk to our log; the latter would write to the
 * console. Only the module and the errcode of warnings and errors are kept, because the texts hold the server's own
 * words. This affects the whole process, because their loggers are global.
 */
export function redirectBridgeLogs(log: Logger): void {
  const lines = new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      logLine(log, String(line));
      done();
    },
  });
  BridgeLogger.root.configureLogging({ json: true }, lines);
}

function logLine(log: Logger, line: string): void {
  const level = /"level":"(\w+)"/.exec(line)?.[1];
  if (level !== "ERROR" && level !== "WARN") return;
  const fields = {
    module: /"module":"([\w-]+)"/.exec(line)?.[1],
    errcode: /\b(?:M|[A-Z]+(?:\.[A-Z0-9]+)+)_[A-Z_]+\b/.exec(line)?.[0],
  };
  if (level === "ERROR") log.warn(fields, "matrix-appservice-bridge reports an error");
  else log.debug(fields, "matrix-appservice-bridge warns");
}
