/** The pack of the server's modules, made of small ones here. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runInThisContext, Script } from "node:vm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compiled, pack, packWorker } from "../../../tools/build/pack-server.ts";

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

test("modules know each other, those of Node, their own place, and their own text", async () => {
  write({
    "main.js": [
      'import { basename } from "node:path";',
      'import { double, place } from "./deep/tools.js";',
      'export const text = `${basename("/a/é")} ${double(2)}`;',
      "export const urls = [import.meta.url, place];",
    ].join("\n"),
    "deep/tools.js": "export const double = (n) => 2 * n;\nexport const place = import.meta.url;\n",
  });
  const source = await pack(folder, "main.js");
  expect(source).toMatch(/^[\n\r\t -~]*$/);
  const exported = runInThisContext(source)(createRequire(import.meta.url), (path: string) => `at:${path}`);
  expect(exported).toMatchObject({ text: "é 4", urls: ["at:main.js", "at:deep/tools.js"] });
});

test("it begins with the modules that it holds, and their sizes", async () => {
  write({
    "main.js": 'import { a } from "./a.js";\nexport const b = a;\n',
    "a.js": "export const a = 'ä';\n",
  });
  const [line] = (await pack(folder, "main.js")).split("\n");
  expect(JSON.parse(line.slice(2))).toEqual([
    ["a.js", 23],
    ["main.js", 48],
  ]);
});

test("modules that need each other are refused: which begins first would be chance", async () => {
  write({
    "main.js": 'import { b } from "./b.js";\nexport const a = () => b;\n',
    "b.js": 'import { a } from "./main.js";\nexport const b = () => a;\n',
  });
  await expect(pack(folder, "main.js")).rejects.toThrow("the server cannot be packed");
});

test("what V8 compiled of a pack is taken by it", async () => {
  write({
    "main.js": "export const a = 1;\n",
    "begin.cjs": "#!/usr/bin/env -S node --use-largepages=silent\n",
  });
  const source = await pack(folder, "main.js");
  const cachedData = compiled(source, join(folder, "begin.cjs"));
  const script = new Script(source, { cachedData });
  expect(script.cachedDataRejected).toBe(false);
});

test("a thread has a script of its own, which finds what it needs from its place", async () => {
  write({
    "main.js": 'export { program } from "./deep/starter.js";\n',
    "deep/starter.js": 'export const program = new URL("./run-worker.js", import.meta.url);\n',
    "deep/run-worker.js": 'import { place } from "../place.js";\nglobalThis.placeOfWorker = place;\n',
    "place.js": "export const place = import.meta.url;\n",
  });
  const workers = ["deep/run-worker.js"];
  const source = await pack(folder, "main.js", workers);
  expect(JSON.parse(source.split("\n")[0].slice(2))).toContainEqual(["deep/run-worker.js", 71]);
  const urlOf = (path: string) => pathToFileURL(join(folder, path)).href;
  const { program } = runInThisContext(source)(createRequire(import.meta.url), urlOf) as { program: URL };
  expect(program.href).toBe(urlOf("deep/run-worker.pack.cjs"));
  writeFileSync(program, await packWorker(folder, workers[0]));
  createRequire(import.meta.url)(fileURLToPath(program));
  expect((globalThis as { placeOfWorker?: string }).placeOfWorker).toBe(urlOf("place.js"));
});
