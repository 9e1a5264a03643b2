import { check } from "./case-words.ts";

check([
  ["stable before pre-release", "a@>=1.0.0", "a@1.0.0; a@1.1.0-dev; a@2.0.0-dev", "a 1.0.0"],
  [
    "below a major no pre-release of it",
    "a@<2.0.0",
    "a@1.0.0; a@1.1.0; a@2.0.0-dev; a@2.0.0",
    "a 1.1.0",
  ],
  ["nor where one of it is the bound", "a@<=2.0.0-dev", "a@1.1.0; a@2.0.0-dev", "a 1.1.0"],
  ["a pre-release that is asked for", "a@^1.1.0-dev", "a@1.0.0; a@1.1.0-dev", "a 1.1.0-dev"],
  ["from pre-release to release", "a@^1.1.0-dev", "a@1.1.0-dev; a@1.1.0", "a 1.1.0"],
  [
    "the newest of several pre-releases",
    "a@>=1.0.0-a",
    "a@1.0.0-a.1; a@1.0.0-b.9; a@1.0.0-b.10; a@1.0.0-rc.1",
    "a 1.0.0-rc.1",
  ],
  [
    "only pre-releases, and none asked for",
    "a@*",
    "a@1.0.0-a",
    /there are only pre-releases, the newest is 1\.0\.0-a/,
  ],
  [
    "a stable version asks for a pre-release",
    "a@^1.0.0",
    "a@1.0.0: b@^1.0.0; a@1.1.0: b@^1.1.0-dev; b@1.0.0; b@1.1.0-dev",
    "a 1.1.0, b 1.1.0-dev",
  ],
  [
    "but another asker does not",
    "a@^1.0.0 b@^1.0.0",
    "a@1.0.0: b@^1.0.0; a@1.1.0: b@^1.1.0-dev; b@1.0.0; b@1.1.0-dev",
    "a 1.0.0, b 1.0.0",
  ],
  [
    "a pre-release that is locked",
    "a@^1.1.0-0 =a@1.1.0-dev",
    "a@1.1.0-dev; a@1.1.0; a@1.2.0",
    "a 1.1.0-dev",
  ],
]);

check([
  ["yanked is passed over", "a@*", "a@1.0.0; a@2.0.0!", "a 1.0.0"],
  ["all are yanked", "a@*", "a@1.0.0!; a@2.0.0!", /a 2\.0\.0 and 1\.0\.0 are yanked/],
  ["yanked, even if asked for exactly", "a@2.0.0", "a@1.0.0; a@2.0.0!", /a 2\.0\.0 is yanked/],
  ["yanked and locked", "a@* =a@2.0.0", "a@1.0.0; a@2.0.0!; a@3.0.0", "a 2.0.0"],
  [
    "yanked further down",
    "a@*",
    "a@1.0.0: b@1.0.0; a@2.0.0: b@2.0.0; b@1.0.0; b@2.0.0!",
    "a 1.0.0, b 1.0.0",
  ],
  ["too new is passed over", "a@*", "a@1.0.0; a@2.0.0+", "a 1.0.0"],
  ["all too new", "a@*", "a@2.0.0+", /a 2\.0\.0 is younger than security\.minimumAge allows/],
  ["too new and locked", "a@* =a@2.0.0", "a@1.0.0; a@2.0.0+; a@3.0.0", "a 2.0.0"],
  ["locked before newest", "a@* =a@1.0.0", "a@1.0.0; a@2.0.0", "a 1.0.0"],
  [
    "a lock that no longer fits",
    "a@>1.0.0 =a@1.0.0 =b@1.0.0",
    "a@1.0.0: b@1.0.0; a@2.0.0: b@2.0.0; b@1.0.0; b@2.0.0",
    "a 2.0.0, b 2.0.0",
  ],
  ["a lock of what is gone", "a@* =a@1.5.0 =x@1.0.0", "a@1.0.0; a@2.0.0", "a 2.0.0"],
  [
    "as little is unlocked as need be",
    "a@* n@* =a@1.0.0 =b@1.0.0 =c@1.0.0",
    "a@1.0.0: b@<2.0.0; a@2.0.0: b@<3.0.0; b@1.0.0: c@*; b@2.0.0: c@*; c@1.0.0; c@2.0.0; n@1.0.0: b@2.0.0",
    "a 2.0.0, b 2.0.0, c 1.0.0, n 1.0.0",
  ],
]);

check([
  [
    "an override before the project's own range",
    "a@1.0.0 a:=2.x",
    "a@1.0.0; a@2.0.0; a@3.0.0",
    "a 2.0.0",
  ],
  [
    "an override before all others",
    "b@* c@* a:=2.0.0",
    "a@1.0.0; a@2.0.0; a@3.0.0; b@1.0.0: a@1.0.0; c@1.0.0: a@3.0.0",
    "a 2.0.0, b 1.0.0, c 1.0.0",
  ],
  ["an override of what nobody asks for", "b@* a:=2.0.0", "a@2.0.0; b@1.0.0", "b 1.0.0"],
  [
    "an override that matches nothing",
    "a@* a:=^1.0.0",
    "a@2.0.0",
    /\(by its overrides\), which no version matches/,
  ],
  ["an override of what cannot be read", "a@latest a:=*", "a@1.0.0", "a 1.0.0"],
  [
    "an override leaves older versions of others possible",
    "s@2.0.0 a@* a:=<3.0.0",
    "a@1.0.0: s@*; a@2.0.0: s@1.0.0; s@1.0.0; s@2.0.0",
    "a 1.0.0, s 2.0.0",
  ],
  ["for one parent", "p@* a@* p>a:=*", "p@1.0.0: a@^1.0.0; a@1.0.0; a@2.0.0", "a 2.0.0, p 1.0.0"],
  [
    "for one parent, not for another",
    "p@* q@* p>a:=*",
    "p@1.0.0: a@^1.0.0; q@1.0.0: a@^1.0.0; a@1.0.0; a@2.0.0",
    "a 1.0.0, p 1.0.0, q 1.0.0",
  ],
  [
    "for one parent, before the plain one",
    "p@* a:=1.0.0 p>a:=2.0.0",
    "p@1.0.0: a@^3.0.0; a@1.0.0; a@2.0.0; a@3.0.0",
    "a 2.0.0, p 1.0.0",
  ],
  [
    "both, and they differ",
    "p@* q@* a:=1.0.0 p>a:=2.0.0",
    "p@1.0.0: a@*; q@1.0.0: a@*; a@1.0.0; a@2.0.0",
    /by the override of the project for p\)/,
  ],
  [
    "for some versions of a parent",
    "p@^1.0.0 p@2.x>a:=1.0.0",
    "p@1.0.0: a@2.0.0; p@2.0.0: a@2.0.0; a@1.0.0; a@2.0.0",
    "a 2.0.0, p 1.0.0",
  ],
  [
    "the narrower parent range counts",
    "p@* p@>=1.0.0>a:=1.0.0 p@1.2.0>a:=2.0.0 p>a:=3.0.0",
    "p@1.2.0: a@*; a@1.0.0; a@2.0.0; a@3.0.0",
    "a 2.0.0, p 1.2.0",
  ],
  [
    "wherever it is written",
    "p@* p>a:=3.0.0 p@1.2.0>a:=2.0.0 p@>=1.0.0>a:=1.0.0",
    "p@1.2.0: a@*; a@1.0.0; a@2.0.0; a@3.0.0",
    "a 2.0.0, p 1.2.0",
  ],
  [
    "told with its parent's range",
    "p@* a@2.0.0 p@^1.0.0>a:=1.0.0",
    "p@1.0.0: a@*; a@1.0.0; a@2.0.0",
    /p 1\.0\.0 depends on a 1\.0\.0 \(by the override of the project for p \^1\.0\.0\)/,
  ],
  [
    "of an optional requirement",
    "p@* p>a:=2.0.0",
    "p@1.0.0: ?a@1.0.0; a@1.0.0; a@2.0.0",
    "a 2.0.0, p 1.0.0",
  ],
]);

check([
  ["optional and there", "?a@*", "a@1.0.0", "a 1.0.0"],
  ["optional and not there", "?a@* b@*", "b@1.0.0", "b 1.0.0"],
  [
    "optional never holds back what is not",
    "b@* ?a@*",
    "a@1.0.0: c@1.0.0; b@1.0.0: c@2.0.0; c@1.0.0; c@2.0.0",
    "b 1.0.0, c 2.0.0",
  ],
  ["optional and too new", "?a@*", "a@1.0.0+", ""],
]);

check(
  [
    ["lowest: the oldest that fits", "a@>=1.1.0", "a@1.0.0; a@1.1.0; a@2.0.0", "a 1.1.0"],
    [
      "lowest: also further down",
      "a@*",
      "a@1.0.0: b@>=1.2.0; b@1.0.0; b@1.2.0; b@1.3.0",
      "a 1.0.0, b 1.2.0",
    ],
    ["lowest: locked first", "a@* =a@2.0.0", "a@1.0.0; a@2.0.0; a@3.0.0", "a 2.0.0"],
    [
      "lowest: stable before pre-release",
      "a@>=2.0.0-dev",
      "a@1.0.0; a@2.0.0-dev; a@2.0.0; a@2.1.0",
      "a 2.0.0",
    ],
    [
      "lowest: the oldest pre-release where none is stable",
      "a@>=2.0.0-d.1",
      "a@2.0.0-d.1; a@2.0.0-d.2",
      "a 2.0.0-d.1",
    ],
    ["lowest: not yanked, not too new", "a@*", "a@1.0.0!; a@1.1.0+; a@1.2.0; a@1.3.0", "a 1.2.0"],
    [
      "lowest: up where the oldest is in the way",
      "a@* b@*",
      "a@1.0.0: c@1.0.0; a@2.0.0: c@2.0.0; b@1.0.0: c@2.0.0; c@1.0.0; c@2.0.0",
      "a 2.0.0, b 1.0.0, c 2.0.0",
    ],
  ],
  "lowest",
);
