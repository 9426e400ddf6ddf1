/** The pack of the server's modules: made of small modules here, of each form of statement that there may be. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runInThisContext, Script } from "node:vm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compiled, pack } from "../../../tools/build/pack-server.ts";

/** Not spelled out where it is imported: it is no file of this project. */
const OTHER = '"./b.js"';

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsredis-pack-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(modules: Record<string, string>): void {
  for (const [path, text] of Object.entries(modules)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function run(source: string): Record<string, unknown> {
  return runInThisContext(source)(createRequire(import.meta.url), (path: string) => ({ url: `at:${path}` }));
}

test("modules know each other by all forms of import and export", () => {
  write({
    "main.js": [
      'import { basename } from "node:path";',
      'import * as numbers from "./deep/numbers.js";',
      'import {\n  double as twice,\n  Box,\n} from "./deep/tools.js";',
      'export { double as again } from "./deep/tools.js";',
      'export const text = `${basename("/a/é")} ${twice(numbers.TWO)} ${new Box(numbers.left).value}`;',
      "export const url = import.meta.url;",
      "export async function later() { return text; }",
      "export {};",
    ].join("\n"),
    "deep/tools.js": [
      'import { TWO } from "./numbers.js";',
      "export function double(n) { return n * TWO; }",
      "export class Box { constructor(value) { this.value = value; } }",
      "//# sourceMappingURL=tools.js.map",
    ].join("\n"),
    "deep/numbers.js":
      "export const TWO = 2;\nexport const { a: left } = { a: 7 };\nconst inner = 1;\nexport { inner as outer };",
  });
  const exported = run(pack(folder, "main.js"));
  expect(exported).toMatchObject({ text: "é 4 7", url: "at:main.js" });
  expect((exported["again"] as (n: number) => number)(4)).toBe(8);
});

test("it begins with the modules that it holds, and their sizes", () => {
  write({
    "main.js": 'import { a } from "./a.js";\nexport const b = a;\n',
    "a.js": "export const a = 'ä';\n",
  });
  const [line] = pack(folder, "main.js").split("\n");
  expect(JSON.parse(line.slice(2))).toEqual([
    ["a.js", 23],
    ["main.js", 48],
  ]);
});

test.each([
  ["a default export", "export default 1;\n"],
  ["an exported variable", "export let a = 1;\n"],
  ["an import at run time", `export const a = import(${OTHER});\n`],
  ["a default import of a module", `import b from ${OTHER};\n`],
  ["all exports of another", `export * from ${OTHER};\n`],
])("%s is refused", (_, text) => {
  write({ "main.js": text, "b.js": "export const b = 1;\n" });
  expect(() => pack(folder, "main.js")).toThrow("main.js has a statement that cannot be packed");
});

test("what V8 compiled of a pack is taken by it", () => {
  write({
    "main.js": "export const a = 1;\n",
    "begin.cjs": "#!/usr/bin/env -S node --use-largepages=silent\n",
  });
  const source = pack(folder, "main.js");
  const cachedData = compiled(source, join(folder, "begin.cjs"));
  const script = new Script(source, { cachedData });
  expect(script.cachedDataRejected).toBe(false);
});

test("modules that need each other are refused", () => {
  write({
    "main.js": 'import { b } from "./b.js";\nexport const a = () => b;\n',
    "b.js": 'import { a } from "./main.js";\nexport const b = () => a;\n',
  });
  expect(() => pack(folder, "main.js")).toThrow("main.js imports itself");
});
