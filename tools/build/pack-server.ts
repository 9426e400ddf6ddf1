/**
 * `node dist/tools/build/pack-server.js`, a part of the build: bundles the modules of the server into one file, which
 * src/main.cts executes instead of them, and writes beside it what V8 compiled of that. Finding, reading, linking and
 * compiling some six hundred modules takes Node half a second of processor time, one script a tenth of that. The
 * programs of its threads are packed as well, each into a script of its own beside it.
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

/** Options that are not V8's. */
const OF_NODE = /^--use-largepages/;

/** The programs of threads. */
const WORKERS = [
  "persistence/aof/verifier-worker.js",
  "persistence/dump-worker.js",
  "persistence/rdb-loading/part-worker.js",
];

/** The pack of the module at `first` and all that it needs of `folder`; paths are relative to that. `workers`: the
 * programs of threads that it starts, of which it takes the packs. */
export async function pack(folder: string, first: string, workers: readonly string[] = []): Promise<string> {
  const bundle = await rolldown({
    input: join(folder, first),
    platform: "node",
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    plugins: [ownUrls(folder, workers)],
    checks: { circularDependency: true },
    onLog(_, { message }) {
      throw new Error(`the server cannot be packed: ${message}`);
    },
  });
  const { output } = await bundle.generate({ format: "cjs", codeSplitting: false, comments: false });
  const files = await bundle.watchFiles;
  await bundle.close();
  const [{ code }] = output;
  const all = [...files, ...workers.map((path) => join(folder, path))];
  const sizes = all.sort().map((path) => [relative(folder, path), statSync(path).size]);
  return (
    `// ${JSON.stringify(sizes)}\n((require, $url, exports = {}) => {\n` +
    `${inAscii(code)}return exports;\n})`
  );
}

/** The script that a thread begins with instead of its program at `path`. */
export async function packWorker(folder: string, path: string): Promise<string> {
  const root = relative(dirname(path), ".");
  const urlOf = `(path) => new URL(path, require("node:url").pathToFileURL(__dirname + "/${root}/")).href`;
  return `${await pack(folder, path)}(require, ${urlOf});\n`;
}

function packedName(path: string): string {
  return path.replace(/\.js$/, ".pack.cjs");
}

/** Modules find their workers, and what belongs to the package, from where they themselves are. */
function ownUrls(folder: string, workers: readonly string[]): Plugin {
  return {
    name: "own-urls",
    transform: (code, id) => {
      let own = code.replaceAll("import.meta.url", `$url(${JSON.stringify(relative(folder, id))})`);
      for (const worker of workers) {
        const name = `./${relative(dirname(id), join(folder, worker))}`;
        own = own.replaceAll(JSON.stringify(name), JSON.stringify(packedName(name)));
      }
      return own;
    },
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
  const [first] = readFileSync(main, "latin1").split("\n", 1);
  for (const option of first.split(" "))
    if (option.startsWith("--") && !OF_NODE.test(option)) setFlagsFromString(option);
  const script = new Script(source, { filename: main });
  const urlOf = (path: string) => pathToFileURL(join(dirname(main), path)).href;
  script.runInThisContext()(createRequire(main), urlOf);
  return script.createCachedData();
}

const program = fileURLToPath(import.meta.url);
if (process.argv[1] === program) {
  const folder = join(dirname(program), "../../src");
  for (const path of WORKERS) writeFileSync(join(folder, packedName(path)), await packWorker(folder, path));
  const source = await pack(folder, "server/main.js", WORKERS);
  writeFileSync(join(folder, "server.pack"), source);
  writeFileSync(join(folder, "server.pack.code"), compiled(source, join(folder, "main.cjs")));
}
