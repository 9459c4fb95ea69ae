import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { counted } from "../../../src/language/counted.ts";
import { inCheckout } from "../../support/paths.ts";

/** A number that is one of several only where it is never one: limits, and sizes that are far above it. */
const NEVER_ONE =
  /\$\{(SHOWN_DAYS|UNGREETED_DAYS|bytes|maxBytes|size|processes|days|problems\.length|Math\.round\(minutes \/ 60\)|minutes|seen)\} /;

describe("a number with its noun", () => {
  it("has the noun in the right form", () => {
    assert.deepEqual(
      [0, 1, 2].map((count) => counted(count, "agent", "agents")),
      ["0 agents", "1 agent", "2 agents"],
    );
  });

  it("is written nowhere by hand", async () => {
    const nouns =
      "agents|rooms|keys|rows|messages|devices|events|people|models|files|members|questions|turns|requests|answers|users|sessions|replies|calls|entries|times|hours|days|bytes|lines|mistakes|processes";
    const byHand = new RegExp(`\\$\\{[^}]*\\} (?:[a-z]+ )?(?:${nouns})\\b`, "g");
    const files = await readdir(inCheckout("src"), { recursive: true });
    for (const file of files.filter(
      (name) =>
        /\/(?:cli|doctor|commands)\/|^(?:cli|doctor|commands|setup|language)\//.test(`/${name}`) &&
        // Those are scripts for shells.
        !name.startsWith(join("cli", "completion")) &&
        name.endsWith(".ts"),
    )) {
      const text = await readFile(inCheckout(join("src", file)), "utf8");
      const found = (text.match(byHand) ?? []).filter(
        (words) => !NEVER_ONE.test(words) && !/\b(lets|makes|verifies|has devices|counted)\b/.test(words),
      );
      assert.deepEqual(found, [], file);
    }
  });
});
