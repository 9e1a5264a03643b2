import { expect, test } from "bun:test";

import { forbidsReload, withScript } from "#server/dev-reload.ts";

const SCRIPT = '<script src="/.land/reload.js"></script>';

test("the script stands at the end of the body, else of the document", () => {
  for (const [document, expected] of [
    ["", SCRIPT],
    ["<h1>a</h1>", `<h1>a</h1>${SCRIPT}`],
    ["<body>é</body></html>\n", `<body>é${SCRIPT}</body></html>\n`],
    ["<BODY>a</BODY >", `<BODY>a${SCRIPT}</BODY >`],
    [
      "<pre>&lt;/body></pre><!-- </body> --></body>",
      `<pre>&lt;/body></pre><!-- </body> -->${SCRIPT}</body>`,
    ],
  ] as const)
    expect(withScript(Buffer.from(document)).toString()).toBe(expected);
});

test("bytes that are no UTF-8 stay, and a document in UTF-16 is left alone", () => {
  const latin = Buffer.from("<p>\u00e9\u0130</p></body>", "latin1");
  const script = Buffer.from(SCRIPT);
  expect(withScript(latin)).toEqual(
    Buffer.concat([latin.subarray(0, 9), script, latin.subarray(9)]),
  );
  const utf16 = Buffer.from("\ufeff<h1>a</h1></body>", "utf16le");
  expect(withScript(utf16)).toEqual(utf16);
});

test("a policy is read as browsers read it", () => {
  for (const policy of [
    "default-src 'self'",
    "default-src *",
    "img-src 'none'",
    "",
    "default-src 'none'; script-src 'self'; connect-src 'self'",
    "script-src 'none'; script-src-elem 'self'",
    "DEFAULT-SRC 'SELF'; ; frame-ancestors 'none'",
    "script-src 'self'; script-src 'none'",
    "sandbox allow-scripts allow-same-origin",
  ])
    expect([policy, forbidsReload(policy)]).toEqual([policy, false]);
  for (const policy of [
    "default-src 'none'",
    "default-src 'self'; script-src 'none'",
    "default-src 'self'; connect-src https://api.example.com",
    "script-src 'nonce-abc'",
    "script-src 'self' 'strict-dynamic' 'nonce-abc'",
    "script-src-elem https://cdn.example.com",
    "default-src 'self', script-src 'none'",
    "sandbox",
    "sandbox allow-scripts",
  ])
    expect([policy, forbidsReload(policy)]).toEqual([policy, true]);
});
