import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { editManifest } from "#pack/edit.ts";

const add = (text: string, name: string, range = "^1.0.0") =>
  editManifest(text, [{ path: ["dependencies", name], value: range }]);
const remove = (text: string, name: string) =>
  editManifest(text, [{ path: ["dependencies", name], value: undefined }]);

test("keeps order, indentation and the last newline", () => {
  const text = '{\n\t"version": "1.0.0",\n\t"name": "a",\n\t"x": [1,   2]\n}\n';
  expect(editManifest(text, [{ path: ["version"], value: "1.0.1" }])).toBe(
    text.replace("1.0.0", "1.0.1"),
  );
  expect(add(text, "left")).toBe(
    '{\n\t"version": "1.0.0",\n\t"name": "a",\n\t"x": [1,   2],\n\t"dependencies": {\n\t\t"left": "^1.0.0"\n\t}\n}\n',
  );
});

test("a text in one line stays in one line", () => {
  const text = '{"name":"a","x":1}\n';
  const first = add(text, "left");
  expect(first).toBe('{"name":"a","x":1, "dependencies": { "left": "^1.0.0" }}\n');
  expect(add(first, "right")).toBe(
    '{"name":"a","x":1, "dependencies": { "left": "^1.0.0", "right": "^1.0.0" }}\n',
  );
  expect(add(remove(first, "left"), "left")).toBe(first);
  expect(add("{}", "left")).toBe('{ "dependencies": { "left": "^1.0.0" } }');
  const mixed = '{\n  "x": { "y": 1 },\n  "dependencies": {}\n}';
  expect(add(mixed, "left")).toContain('{\n    "left": "^1.0.0"\n  }');
});

test("puts a dependency where the order wants it", () => {
  const text = '{\n  "dependencies": {\n    "a": "1",\n    "c": "1"\n  }\n}';
  expect(Object.keys(JSON.parse(add(text, "b")).dependencies)).toEqual(["a", "b", "c"]);
  expect(Object.keys(JSON.parse(add(text, "d")).dependencies)).toEqual(["a", "c", "d"]);
  expect(Object.keys(JSON.parse(add(text, "0")).dependencies)).toEqual(["0", "a", "c"]);
  const unsorted = text.replace('"a"', '"z"');
  expect(Object.keys(JSON.parse(add(unsorted, "b")).dependencies)).toEqual(["z", "c", "b"]);
  expect(add(text, "b")).toBe(
    '{\n  "dependencies": {\n    "a": "1",\n    "b": "^1.0.0",\n    "c": "1"\n  }\n}',
  );
});

test("leaves a tidy text where the last dependency goes", () => {
  const text = '{\n  "name": "a",\n  "dependencies": {\n    "left": "1"\n  },\n  "x": 1\n}\n';
  expect(remove(text, "left")).toBe('{\n  "name": "a",\n  "dependencies": {},\n  "x": 1\n}\n');
  expect(remove(text, "right")).toBe(text);
  expect(remove("{}\n", "left")).toBe("{}\n");
  expect(add(remove(text, "left"), "left", "1")).toBe(text);
});

test("keeps Windows line ends", () => {
  const text = '{\r\n  "dependencies": {\r\n    "a": "1"\r\n  }\r\n}\r\n';
  expect(add(text, "b").replaceAll("\r\n", "")).not.toContain("\n");
});

test("an edit changes its key and nothing else", () => {
  const map = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.stringMatching(/^[0-9.]{1,5}$/));
  const indent = fc.constantFrom(0, 2, 4, "\t");
  fc.assert(
    fc.property(
      map,
      map,
      indent,
      fc.stringMatching(/^[a-z]{1,5}$/),
      (others, deps, space, name) => {
        const document = { others, dependencies: deps, last: true };
        const text = `${JSON.stringify(document, null, space)}\n`;
        const added = add(text, name, "9");
        expect(JSON.parse(added)).toEqual({ ...document, dependencies: { ...deps, [name]: "9" } });
        const { [name]: _, ...rest } = deps;
        expect(JSON.parse(remove(added, name))).toEqual({ ...document, dependencies: rest });
        expect(added.endsWith("}\n")).toBe(true);
      },
    ),
  );
});
