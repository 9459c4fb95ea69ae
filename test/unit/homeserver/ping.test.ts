import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HomeserverUnreachable, MatrixError } from "../../../src/homeserver/errors.ts";
import { pino } from "pino";
import type { HomeserverClient } from "../../../src/homeserver/client.ts";
import { awaitHomeserver, explainPingFailure } from "../../../src/homeserver/ping.ts";
import type { Logger } from "../../../src/observability/log.ts";

const OURS = { file: "/etc/agents/registration.yaml", url: "http://bridge:9993" };

describe("the reason of a failed ping says what to do", () => {
  for (const [status, errcode, words] of [
    [
      401,
      "M_UNKNOWN_TOKEN",
      /another one than ours, \/etc\/agents\/registration\.yaml, or it has none.*app_service_config_files.*restart the homeserver/,
    ],
    [403, "M_FORBIDDEN", /the id of both copies.*ours is \/etc\/agents\/registration\.yaml/],
    [400, "M_URL_NOT_SET", /has no url/],
    [
      502,
      "M_BAD_STATUS",
      /Another program .*it says: broken.*In our copy, \/etc\/agents\/registration\.yaml, the url is http:\/\/bridge:9993/,
    ],
    [
      502,
      "M_CONNECTION_FAILED",
      /can't connect to the url in its copy .*it says: broken.*In our copy, \/etc\/agents\/registration\.yaml, the url is http:\/\/bridge:9993/,
    ],
    [504, "M_CONNECTION_TIMEOUT", /no answer in time .*http:\/\/bridge:9993/],
    [404, "M_UNRECOGNIZED", /does not ping/],
    [500, "M_UNKNOWN", /500 M_UNKNOWN: broken/],
  ] as const) {
    it(`for ${errcode}`, () => {
      const error = new MatrixError("POST ping", { status, errcode, error: "broken", retryAfterMs: undefined });
      assert.match(explainPingFailure(error, OURS), words);
    });
  }

  it("for a bridge that refused the homeserver's hs_token, and for another program there", () => {
    const said = (error: string): MatrixError =>
      new MatrixError("POST ping", { status: 502, errcode: "M_BAD_STATUS", error, retryAfterMs: undefined });
    const explained = (error: string, isRefusedByUs?: boolean): string =>
      explainPingFailure(said(error), { ...OURS, isRefusedByUs });
    assert.match(
      explained("HTTP 403 Forbidden", true),
      /reached this bridge, which refused its hs_token.*has another hs_token than ours, \/etc\/agents\/registration\.yaml/,
    );
    assert.match(explained("HTTP 403 Forbidden"), /reached a bridge, which refused its hs_token/);
    assert.match(explained("HTTP 403 Forbidden", false), /Another program .*HTTP 403 Forbidden/);
    assert.match(explained("HTTP 404 Not Found"), /Another program .*HTTP 404 Not Found/);
  });

  it("without control characters or more than a line of the homeserver's words", () => {
    const error = `a\u001b[2J\n. b${"c".repeat(1_000)}`;
    const failure = { status: 502, errcode: "M_CONNECTION_FAILED", error, retryAfterMs: undefined };
    const told = explainPingFailure(new MatrixError("POST ping", failure), OURS);
    assert.match(told, /\(it says: a \[2J ; bc+\)\. /);
    assert.ok(told.length < 700);
  });

  it("for a homeserver that is away, or gives no answer in time", () => {
    const away = new HomeserverUnreachable("POST ping", "ECONNREFUSED", "raw", {
      cause: Object.assign(new Error("raw"), { code: "ECONNREFUSED" }),
    });
    assert.match(explainPingFailure(away, OURS), /^The homeserver can't be reached: nothing listens there/);
    const slow = new HomeserverUnreachable("POST ping", "TIMEOUT", "no answer within 30000 ms");
    assert.match(explainPingFailure(slow, OURS), /^The homeserver does not say in time.* In our copy, .*the url is/);
  });
});

describe("a homeserver", () => {
  /** A client that gives each call this answer, and the log lines of that. */
  function listening(answer: () => unknown): { client: HomeserverClient; log: Logger; lines: { msg: string }[] } {
    const lines: { msg: string }[] = [];
    const log = pino({ level: "info" }, { write: (line) => lines.push(JSON.parse(line) as { msg: string }) });
    const client = { request: () => Promise.resolve().then(answer) } as unknown as HomeserverClient;
    return { client, log, lines };
  }

  it("that does not know our token is awaited, and a line says what to do", async () => {
    const unknown = { status: 401, errcode: "M_UNKNOWN_TOKEN", error: "", retryAfterMs: undefined };
    const ended = new AbortController();
    const { client, log, lines } = listening(() => {
      setTimeout(() => ended.abort(new Error("enough")), 0);
      throw new MatrixError("GET versions", unknown);
    });
    const why = (): Promise<undefined> => Promise.reject(new Error("there is nothing to ask"));
    await assert.rejects(awaitHomeserver({ client, ours: OURS, why, log, signal: ended.signal }), /enough/);
    assert.match(JSON.stringify(lines[0]), /does not know this registration.*/);
    assert.match(JSON.stringify(lines[0]), /ours, \/etc\/agents\/registration\.yaml, .*app_service_config_files/);
  });

  it("that is none is looked at closer, once for each kind of failure, and the lines say what that showed", async () => {
    const page = new MatrixError("GET versions", { status: 404, errcode: "M_UNKNOWN", error: "", retryAfterMs: 1 });
    const away = new MatrixError("GET versions", { status: 502, errcode: "M_UNKNOWN", error: "", retryAfterMs: 1 });
    const failures = [page, page, page, away, away];
    const { client, log, lines } = listening(() => {
      const failure = failures.shift();
      if (failure === undefined) return { versions: ["v1.11"] };
      throw failure;
    });
    const reasons = ["it is a web page", undefined];
    const why = (): Promise<string | undefined> => Promise.resolve(reasons.shift());
    await awaitHomeserver({ client, ours: OURS, why, log, signal: AbortSignal.timeout(10_000) });
    const told = lines.flatMap((line) => ("reason" in line ? [line.reason] : []));
    const other = "the homeserver answers: GET versions: HTTP 502 without an error of Matrix";
    assert.deepEqual(told, [...Array<string>(3).fill("it is a web page"), other, other]);
    assert.equal(reasons.length, 0);
    assert.ok(lines.every((line) => !("error" in line)));
  });
});
