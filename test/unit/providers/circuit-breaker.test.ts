import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CircuitBreaker } from "../../../src/providers/circuit-breaker.ts";

describe("a circuit breaker", () => {
  it("opens after five failures in a row, lets one request try after a while, and waits longer when that fails", () => {
    let now = 0;
    const breaker = new CircuitBreaker(() => now);
    for (let i = 0; i < 4; i++) breaker.failed();
    breaker.succeeded();
    for (let i = 0; i < 5; i++) {
      assert.ok(breaker.mayPass());
      breaker.failed();
    }
    assert.ok(!breaker.mayPass());
    now = 5_000;
    assert.ok(breaker.mayPass());
    assert.ok(!breaker.mayPass(), "one tries");
    breaker.failed();
    now = 14_999;
    assert.ok(!breaker.mayPass());
    now = 15_000;
    assert.ok(breaker.mayPass());
    breaker.succeeded();
    assert.ok(breaker.mayPass() && breaker.mayPass());
  });

  it("lets another request try when the trying one was cancelled", () => {
    let now = 0;
    const breaker = new CircuitBreaker(() => now);
    for (let i = 0; i < 5; i++) breaker.failed();
    now = 5_000;
    assert.ok(breaker.mayPass());
    breaker.ended();
    assert.ok(breaker.mayPass());
    for (let i = 0; i < 20; i++) breaker.failed();
    now += 60_000;
    assert.ok(breaker.mayPass(), "never longer than a minute");
  });
});
