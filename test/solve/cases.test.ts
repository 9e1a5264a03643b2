import { check } from "./case-words.ts";

const NO = /no versions fit together/;

check([
  ["nothing asked, nothing chosen", "", "a@1.0.0", ""],
  ["what nobody asks for stays out", "a@*", "a@1.0.0; b@1.0.0", "a 1.0.0"],
  ["a chain", "a@*", "a@1.0.0: b@*; b@1.0.0: c@*; c@1.0.0", "a 1.0.0, b 1.0.0, c 1.0.0"],
  [
    "two trees side by side",
    "l@1.0.0 r@1.0.0",
    "l@1.0.0: la@1.0.0 lb@1.0.0; la@1.0.0; lb@1.0.0; r@1.0.0: ra@1.0.0; ra@1.0.0",
    "l 1.0.0, la 1.0.0, lb 1.0.0, r 1.0.0, ra 1.0.0",
  ],
  ["the newest of many", "a@*", "a@1.0.0; a@1.2.0; a@1.10.0; a@1.9.0", "a 1.10.0"],
  ["numbers are no texts", "a@<=1.9.9", "a@1.9.0; a@1.10.0; a@1.2.0", "a 1.9.0"],
  ["an exact version", "a@1.1.0", "a@1.0.0; a@1.1.0; a@1.2.0", "a 1.1.0"],
  ["a caret below one stays in the minor", "a@^0.2.0", "a@0.2.9; a@0.3.0; a@1.0.0", "a 0.2.9"],
  ["a caret below a tenth is exact", "a@^0.0.3", "a@0.0.3; a@0.0.4", "a 0.0.3"],
  ["a tilde stays in the minor", "a@~1.2.3", "a@1.2.2; a@1.2.8; a@1.3.0", "a 1.2.8"],
  [
    "alternatives with a gap between",
    "a@^1.0.0_||_^3.0.0",
    "a@1.5.0; a@2.9.0; a@3.1.0; a@4.0.0",
    "a 3.1.0",
  ],
  [
    "the overlap of two askers",
    "l@* r@*",
    "l@1.0.0: s@>=2.0.0_<4.0.0; r@1.0.0: s@>=3.0.0; s@2.0.0; s@3.5.0; s@4.0.0",
    "l 1.0.0, r 1.0.0, s 3.5.0",
  ],
  [
    "a shared package moves what hangs on it",
    "a@<=1.0.2 b@*",
    "a@1.0.0; a@1.0.1: x@*; a@1.0.2: y@*; b@1.0.0: a@<=1.0.1; x@1.0.0; y@1.0.0",
    "a 1.0.1, b 1.0.0, x 1.0.0",
  ],
  ["two that need each other", "a@*", "a@1.0.0: b@1.0.0; b@1.0.0: a@1.0.0", "a 1.0.0, b 1.0.0"],
  [
    "a circle of three",
    "a@*",
    "a@1.0.0: b@*; b@1.0.0: c@*; c@1.0.0: a@*",
    "a 1.0.0, b 1.0.0, c 1.0.0",
  ],
  [
    "a circle that only closes at older versions",
    "a@*",
    "a@1.0.0: b@1.0.0; a@2.0.0: b@2.0.0; b@1.0.0: a@1.0.0; b@2.0.0: a@1.0.0",
    "a 1.0.0, b 1.0.0",
  ],
  [
    "one that would need an older self",
    "a@*",
    "a@1.0.0; a@2.0.0: b@*; b@1.0.0: a@1.0.0",
    "a 1.0.0",
  ],
  [
    "runtime and development ask for one",
    "a@>=1.0.0_<3.0.0 %a@>=2.0.0",
    "a@1.0.0; a@2.0.0; a@3.0.0",
    "a 2.0.0",
  ],
  ["development brings its own tree", "%a@*", "a@1.0.0: b@*; b@1.0.0", "a 1.0.0, b 1.0.0"],
  ["runtime and development are apart", "a@^1.0.0 %a@^2.0.0", "a@1.0.0; a@2.0.0", NO],
]);

check([
  ["no such package", "a@*", "b@1.0.0", /a, which does not exist/],
  ["no such package further down", "a@*", "a@1.0.0: b@*", /b, which does not exist/],
  ["no such version", "a@2.0.0", "a@1.0.0", /which no version matches \(the newest is 1\.0\.0\)/],
  ["nothing as new", "a@>1.0.0", "a@0.9.0; a@1.0.0", /which no version matches/],
  ["nothing as old", "a@<1.0.0", "a@1.0.0; a@2.0.0", /which no version matches/],
  ["older versions do without the missing one", "a@*", "a@1.0.0; a@1.1.0: gone@*", "a 1.0.0"],
  [
    "all versions need missing ones, each another",
    "a@*",
    "a@1.0.0: x@*; a@2.0.0: y@*; a@3.0.0: z@*",
    NO,
  ],
  [
    "older versions do without what cannot be read",
    "a@*",
    "a@1.0.0: b@*; a@1.0.1: b@file:x; b@1.0.0",
    "a 1.0.0, b 1.0.0",
  ],
  [
    "two askers with nothing in common",
    "a@* b@*",
    "a@1.0.0: s@<2.0.0; b@1.0.0: s@>3.0.0; s@1.0.0; s@4.0.0",
    NO,
  ],
  [
    "in common, but nothing published there",
    "a@* b@*",
    "a@1.0.0: s@^2.0.0; b@1.0.0: s@>=2.9.0; s@2.5.0; s@3.5.0",
    NO,
  ],
  ["the project against what it needs", "a@* s@^1.0.0", "a@1.0.0: s@^2.0.0; s@1.0.0; s@2.0.0", NO],
  [
    "crossed circles",
    "a@* b@*",
    "a@1.0.0: b@1.0.0; a@2.0.0: b@2.0.0; b@1.0.0: a@2.0.0; b@2.0.0: a@1.0.0",
    NO,
  ],
  [
    "a gap that others have cut out",
    "a@* b@>=2.0.0_<3.0.0 c@*",
    "a@1.0.0: b@1.0.0; a@2.0.0: b@2.0.0; a@2.1.0: b@2.0.0; a@3.0.0: b@3.0.0; b@1.0.0; b@2.0.0; b@3.0.0; c@1.0.0: a@<2.0.0; c@2.0.0: a@>=3.0.0",
    NO,
  ],
  ["without its only version", "a@<1.0.0_||_>1.0.0", "a@1.0.0", /which no version matches/],
]);

check([
  [
    "the newer one that does not drag",
    "a@* b@*",
    "a@1.0.0; a@2.0.0: c@^1.0.0; b@1.0.0: c@^2.0.0; b@2.0.0: c@^3.0.0; c@1.0.0; c@2.0.0; c@3.0.0",
    "a 1.0.0, b 2.0.0, c 3.0.0",
  ],
  [
    "two together narrow a third",
    "c@* y@^2.0.0",
    "a@1.0.0: x@>=1.0.0; b@1.0.0: x@<2.0.0; c@1.0.0; c@2.0.0: a@* b@*; x@0.1.0; x@1.0.0: y@1.0.0; x@2.0.0; y@1.0.0; y@2.0.0",
    "c 1.0.0, y 2.0.0",
  ],
  [
    "what lies deeper gives way",
    "a@*",
    "a@1.0.0: b@*; a@2.0.0: b@* c@2.0.0; b@1.0.0; b@2.0.0: c@1.0.0; c@1.0.0; c@2.0.0",
    "a 2.0.0, b 1.0.0, c 2.0.0",
  ],
  [
    "step by step down to the only one",
    "a@*",
    "a@1.0.0: b@1.0.0; a@2.0.0: b@2.0.0; a@3.0.0: b@3.0.0; b@1.0.0: c@*; b@2.0.0: c@2.0.0; b@3.0.0: c@3.0.0; c@1.0.0",
    "a 1.0.0, b 1.0.0, c 1.0.0",
  ],
  [
    "what has nothing to do with it stays new",
    "a@* b@*",
    "a@1.0.0: c@1.0.0; a@2.0.0: c@9.0.0; b@1.0.0; b@2.0.0; b@3.0.0; c@1.0.0",
    "a 1.0.0, b 3.0.0, c 1.0.0",
  ],
  [
    "a bound of the project decides at once",
    "a@* b@>2.0.0",
    "a@1.0.0: b@*; a@2.0.0: b@<1.0.0; b@2.0.0; b@2.0.1; b@2.0.4",
    "a 1.0.0, b 2.0.4",
  ],
  [
    "an older one further down makes room",
    "a@* c@*",
    "a@1.0.0; a@2.0.0; b@1.0.0: a@1.0.0; c@1.0.0: b@*",
    "a 1.0.0, b 1.0.0, c 1.0.0",
  ],
  [
    "no way through the new one's new needs",
    "a@^1.0.0",
    "a@1.0.0: b@^1.0.0; a@1.1.0: b@^2.0.0; b@1.0.0; b@2.0.0: c@^1.0.0; c@2.0.0",
    "a 1.0.0, b 1.0.0",
  ],
  [
    "an old version that asks for nothing is no way out",
    "a@* b@*",
    `a@1.0.0; a@2.0.0; b@1.0.0; ${Array.from({ length: 9 }, (_, i) => `b@2.0.${i}: a@1.0.0`).join("; ")}`,
    "a 1.0.0, b 2.0.8",
  ],
  [
    "a few old versions are",
    "a@* b@*",
    "a@1.0.0; a@2.0.0; b@1.0.0; b@2.0.0: a@1.0.0; b@2.0.1: a@1.0.0",
    "a 2.0.0, b 1.0.0",
  ],
  [
    "a locked version is not crowded out",
    "a@* b@* =a@2.0.0",
    `a@1.0.0; a@2.0.0; b@1.0.0; ${Array.from({ length: 9 }, (_, i) => `b@2.0.${i}: a@1.0.0`).join("; ")}`,
    "a 2.0.0, b 1.0.0",
  ],
  [
    "below the project what has fewer versions comes first, then what was met first",
    "top@*",
    "top@1.0.0: mid@* low@*; mid@1.0.0; mid@2.0.0: low@1.0.0; low@1.0.0; low@2.0.0",
    "low 2.0.0, mid 1.0.0, top 1.0.0",
  ],
  [
    "direct before indirect",
    "x@* y@*",
    "x@1.0.0: z@*; y@1.0.0; y@2.0.0: z@1.0.0; y@3.0.0: z@1.0.0; z@1.0.0; z@2.0.0",
    "x 1.0.0, y 3.0.0, z 1.0.0",
  ],
]);
