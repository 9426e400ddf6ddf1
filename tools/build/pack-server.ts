/**
 * `node dist/tools/build/pack-server.js`, a part of the build: bundles the modules of the server into one file, which
 * src/main.cts executes instead of them, and writes beside it what V8 compiled of that. Finding, reading, linking and
 * compiling some six hundred modules takes Node half a second of processor time, one script a tenth of that.
 *
 * Layout of the pack: a comment with the JSON of [path, bytes] of each module, by which it is seen that one has changed
 * since; then a function that takes `require` and what makes a URL of a module's path, and returns what the server
 * exports.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { type Plugin, rolldown } from "rolldown";
import { allowHeapGrowth } from "../../src/server/heap-growth.ts";

/** Options that are not V8's. */
const OF_NODE = /^--use-largepages/;

/** The pack of the module at `first` and all that it needs of `folder`; paths are relative to that. */
export async function pack(folder: string, first: string): Promise<string> {
  const bundle = await rolldown({
    input: join(folder, first),
    platform: "node",
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    plugins: [ownUrls(folder)],
    checks: { circularDependency: true },
    onLog(_, { message }) {
      throw new Error(`the server cannot be packed: ${message}`);
    },
  });
  const { output } = await bundle.generate({ format: "cjs", codeSplitting: false, comments: false });
  const files = await bundle.watchFiles;
  await bundle.close();
  const [{ code }] = output;
  const sizes = files.sort().map((path) => [relative(folder, path), statSync(path).size]);
  return (
    `// ${JSON.stringify(sizes)}\n((require, $url, exports = {}) => {\n` +
    `${inAscii(code)}return exports;\n})`
  );
}

/** Modules find their workers, and what belongs to the package, from where they themselves are. */
function ownUrls(folder: string): Plugin {
  return {
    name: "own-urls",
    transform: (code, id) =>
      code.replaceAll("import.meta.url", `$url(${JSON.stringify(relative(folder, id))})`),
  };
}

/** Text of one byte for each character is read in less time, and takes half the memory. */
function inAscii(code: string): string {
  return code.replace(/[^\n\r\t -~]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/**
 * What V8 has made of a pack once its modules have begun: with it the next process need not compile them. V8 takes it
 * only for the same version and the same options, which `main`, the file that the process begins with, has in its first
 * line.
 */
export function compiled(source: string, main: string): Buffer {
  const [line] = readFileSync(main, "latin1").split("\n");
  for (const option of line.split(" ").filter((word) => word.startsWith("--") && !OF_NODE.test(word)))
    setFlagsFromString(option);
  const script = new Script(source, { filename: main });
  const urlOf = (path: string) => pathToFileURL(join(dirname(main), path)).href;
  script.runInThisContext()(createRequire(main), urlOf);
  return script.createCachedData();
}

async function writePack(folder: string, first: string, name: string): Promise<void> {
  const source = await pack(folder, first);
  writeFileSync(join(folder, name), source);
  writeFileSync(join(folder, `${name}.code`), compiled(source, join(folder, "main.cjs")));
}

const program = fileURLToPath(import.meta.url);
if (process.argv[1] === program) {
  const folder = join(dirname(program), "../../src");
  await writePack(folder, "server/main.js", "server.pack");
  // The server has set this when it starts the thread.
  allowHeapGrowth(0);
  await writePack(folder, "persistence/rdb-loading/worker.js", "loader.pack");
}
