import assert from "node:assert/strict";
import { test } from "node:test";
import { figuresOf, fill } from "../../../../daemon/panel/static/filling.js";

const italian = figuresOf({ figures: { pulses: "impulsi", "pulses at": "impulsi a", park: "Parcheggia", "% rMT": "% RMT" }, as_written: ["user"] });

test("the longest phrase wins, whole words only", () => {
  assert.equal(fill("{asked}", { asked: "20 pulses at 10 Hz" }, italian), "20 impulsi a 10 Hz");
  assert.equal(fill("{asked}", { asked: "impulses" }, italian), "impulses");
  assert.equal(fill("{asked}", { asked: "110 % rMT" }, italian), "110 % RMT");
});

test("a name is left as it is written", () => {
  assert.equal(fill("{user} {verb}", { user: "park", verb: "park" }, italian), "park Parcheggia");
});

test("a brace that nothing fills stays to be seen", () => {
  assert.equal(fill("{seconds} s", {}), "{seconds} s");
  assert.equal(fill("{seconds} s", { seconds: 0 }), "0 s");
});
