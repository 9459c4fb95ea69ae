import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pino } from "pino";
import type { HomeserverClient, HomeserverRequest } from "../../../src/homeserver/client.ts";
import { HomeserverUnreachable, MatrixError } from "../../../src/homeserver/errors.ts";
import { HomeserverReach } from "../../../src/homeserver/reach.ts";
import { RecentPings } from "../../../src/homeserver/recent-pings.ts";
import type { Logger } from "../../../src/observability/log.ts";

interface Line {
  readonly msg: string;
  readonly reason?: string;
}

/** A reach over a homeserver with these answers, one for each ping; the last one for all that follow. */
function reachOver(answers: readonly (() => unknown)[], pings: RecentPings = new RecentPings()) {
  const lines: Line[] = [];
  const log: Logger = pino({ level: "info" }, { write: (line) => lines.push(JSON.parse(line) as Line) });
  let asked = 0;
  const client = {
    request: ({ body }: HomeserverRequest) =>
      Promise.resolve().then(() => {
        const answer = answers[Math.min(asked++, answers.length - 1)]?.();
        pings.note((body as { transaction_id: string }).transaction_id);
        return answer;
      }),
  } as unknown as HomeserverClient;
  const appservice = { id: "agents", url: "http://bridge:9993", file: "registration.yaml" };
  const { signal } = new AbortController();
  const reach = new HomeserverReach({ client, appservice, pings, isAlone: () => true, log, signal });
  return { reach, lines, asked: () => asked };
}

function refusing(errcode: string, error = ""): () => never {
  return () => {
    throw new MatrixError("POST ping", { status: 502, errcode, error, retryAfterMs: undefined });
  };
}

const AWAY = { status: 502, errcode: "M_UNKNOWN", error: "", retryAfterMs: undefined };

const ANSWER = (): unknown => ({ duration_ms: 3 });

describe("a homeserver that does not reach us", () => {
  it("is told of once for each way in which it fails, and when it reaches us", async () => {
    const failures = [...Array<() => never>(3).fill(refusing("M_CONNECTION_FAILED")), refusing("M_BAD_STATUS")];
    const { reach, lines } = reachOver([...failures, ANSWER]);
    for (let count = 0; count <= failures.length; count++) await reach.ping();
    assert.deepEqual(
      lines.map(({ msg, reason = "" }) => `${msg} ${reason.slice(0, 25)}`.trim()),
      [
        "the homeserver's ping of this application service failed The homeserver can't conn",
        "the homeserver's ping of this application service failed Another program than this",
        "the homeserver reaches us",
      ],
    );
  });

  it("is asked again with growing pauses, and at once when somebody has a reason", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { reach, asked } = reachOver([refusing("M_CONNECTION_FAILED"), refusing("M_CONNECTION_FAILED"), ANSWER]);
    const reached = reach.untilReached();
    await reach.ping();
    assert.equal(asked(), 1);
    await new Promise(setImmediate);
    const sooner = reach.untilReached();
    await new Promise(setImmediate);
    assert.equal(asked(), 2, "the homeserver has returned: the pause ends");
    context.mock.timers.tick(20_000);
    await Promise.all([reached, sooner]);
    assert.equal(asked(), 3);
    assert.equal(reach.last?.kind, "answered");
  });

  it("because another bridge has its address is told of once", async () => {
    const pings = new RecentPings();
    pings.note = () => undefined;
    const { reach, lines } = reachOver([ANSWER], pings);
    await reach.ping();
    await reach.ping();
    assert.equal(lines.length, 1);
    assert.match(lines[0]?.msg ?? "", /another bridge with this registration answers/);
  });

  for (const [how, end] of [
    ["the next ping reaches us", ANSWER],
    ["the next ping reaches nobody", refusing("M_CONNECTION_FAILED")],
  ] as const) {
    it(`because another bridge has its address keeps a start waiting until ${how}`, async () => {
      const pings = new RecentPings();
      const note = pings.note.bind(pings);
      let answeredBy = "another";
      pings.note = (id) => {
        if (answeredBy === "us") note(id);
        answeredBy = "us";
      };
      const { reach, lines, asked } = reachOver([ANSWER, end], pings);
      await reach.untilNoOther();
      assert.equal(asked(), 2);
      assert.match(lines[1]?.msg ?? "", /agents answer here once the other bridge has stopped/);
    });
  }

  it("because it is away tells nothing of another bridge, so a start goes on waiting", async () => {
    const failures = [
      new HomeserverUnreachable("POST ping", "ECONNREFUSED", "raw"),
      new MatrixError("POST ping", AWAY),
      new MatrixError("POST ping", { ...AWAY, status: 429, errcode: "M_LIMIT_EXCEEDED" }),
    ];
    await Promise.all(
      failures.map(async (error) => {
        const pings = new RecentPings();
        const note = pings.note.bind(pings);
        pings.note = () => undefined;
        const failing = (): never => {
          pings.note = note;
          throw error;
        };
        const { reach, lines, asked } = reachOver([ANSWER, failing, ANSWER], pings);
        await reach.untilNoOther();
        assert.equal(asked(), 3);
        assert.equal(lines.filter(({ msg }) => msg.includes("once the other bridge has stopped")).length, 1);
      }),
    );
  });

  it("because we refused its token is told so", async () => {
    const pings = new RecentPings();
    const refused = (): never => {
      pings.noteRefused();
      return refusing("M_BAD_STATUS", "HTTP 403 Forbidden")();
    };
    const { reach, lines } = reachOver([refused], pings);
    await reach.ping();
    assert.match(lines[0]?.reason ?? "", /reached this bridge, which refused its hs_token/);
  });
});
