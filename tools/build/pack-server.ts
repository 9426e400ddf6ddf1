/**
 * `node dist/tools/build/pack-server.js`, a part of the build: puts the modules of the server into one file, which
 * src/main.cts reads instead of them, and beside it what V8 compiled of it. Finding, reading and linking some five
 * hundred modules takes Node half a second of processor time, one script a tenth of that.
 *
 * Layout of the pack: a comment with the JSON of [path, bytes] of each module; then a function that takes `require`,
 * and what gives a module its `import.meta`, and returns the exports of the first module. In it each module is a
 * function that runs once, after those which it imports:
 *
 *     const m7 = (() => { ...the module...; return { name, other: local }; })();
 *
 * Of import and export statements the forms are rewritten that the sources use, as the compiler prints them; anything
 * else (cycles, default exports, exported variables, imports at run time) is refused.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

const STATEMENT = /^(import|export) (?:([^"';]*?) from )?"([^"]+)";$/gm;
const EXPORTED_DECLARATION = /^export (async function\*?|function\*?|class|const) ([\w$]+|\{[^}]*\})/gm;
const EXPORTED_LIST = /^export \{([^}]*)\};$/gm;
const FILE = "server.pack";
/** Options that are not V8's. */
const OF_NODE = /^--use-largepages/;
const LEFT_OVER = /^(?:import|export)\b.*|\bimport\(.*/m;

interface Module {
  readonly path: string;
  readonly text: string;
}

/** The pack of the module at `first` and all that it needs; paths are relative to `folder`. */
export function pack(folder: string, first: string): string {
  const modules = inOrder(folder, first);
  const places = new Map(modules.map(({ path }, i) => [path, i]));
  const sizes = modules.map(({ path, text }) => [path, Buffer.byteLength(text)]);
  const parts = modules.map((module, i) => `const m${i} = (() => {\n${rewritten(module, places)}})();\n`);
  return (
    `// ${JSON.stringify(sizes)}\n(($require, $meta) => { "use strict";\n` +
    `${parts.join("")}return m${modules.length - 1};\n})`
  );
}

/** All modules, each after those that it imports. */
function inOrder(folder: string, first: string): readonly Module[] {
  const done: Module[] = [];
  const begun = new Set<string>();
  const visit = (path: string): void => {
    if (done.some((module) => module.path === path)) return;
    if (begun.has(path)) throw new Error(`${path} imports itself, through others`);
    begun.add(path);
    const text = readFileSync(join(folder, path), "utf8");
    for (const [, , , from] of text.matchAll(STATEMENT)) if (isModule(from)) visit(resolved(path, from));
    done.push({ path, text });
  };
  visit(first);
  return done;
}

function isModule(from: string): boolean {
  return from.startsWith(".");
}

function resolved(importer: string, from: string): string {
  return posix.join(posix.dirname(importer), from);
}

function rewritten({ path, text }: Module, places: ReadonlyMap<string, number>): string {
  const exported: string[] = [];
  const body = text
    .replace(STATEMENT, (statement: string, kind: string, what: string | undefined, from: string) => {
      const source = isModule(from)
        ? `m${places.get(resolved(path, from))}`
        : `$require(${JSON.stringify(from)})`;
      const isList = what?.startsWith("{") === true;
      const isKnown =
        kind === "import" && (what === undefined || what.startsWith("* as ") || !isModule(from));
      if (!isList && !isKnown) throw refusal(path, statement);
      if (kind === "import") return importing(what, source);
      for (const [name, as] of namesIn(what ?? "")) exported.push(`${as}: ${source}.${name}`);
      return "";
    })
    .replace(EXPORTED_DECLARATION, (_, kind: string, what: string) => {
      if (what.startsWith("{")) exported.push(...what.slice(1, -1).split(",").map(boundName));
      else exported.push(what);
      return `${kind} ${what}`;
    })
    .replace(EXPORTED_LIST, (_, list: string) => {
      for (const [name, as] of namesIn(list)) exported.push(`${as}: ${name}`);
      return "";
    })
    .replaceAll("import.meta", `$meta(${JSON.stringify(path)})`)
    .replace(/^\/\/# sourceMappingURL=.*$/m, "")
    .replace(/[^\n -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const problem = LEFT_OVER.exec(body);
  if (problem !== null) throw refusal(path, problem[0]);
  return `${body}return { ${exported.join(", ")} };\n`;
}

function refusal(path: string, statement: string): Error {
  return new Error(`${path} has a statement that cannot be packed: ${statement}`);
}

function importing(what: string | undefined, source: string): string {
  if (what === undefined) return `${source};`;
  if (what.startsWith("{")) return `const ${what.replaceAll(" as ", ": ")} = ${source};`;
  return `const ${what.replace("* as ", "")} = ${source};`;
}

/** The names in "{ a, b as c }", each with the one that others know it by. */
function namesIn(list: string): (readonly [string, string])[] {
  const parts = list.replace(/[{}]/g, "").split(",");
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const [name, as = name] = part.split(" as ");
      return [name, as];
    });
}

/** The variable in "property: variable" of a destructuring. */
function boundName(part: string): string {
  return part.slice(part.indexOf(":") + 1).trim();
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
  const script = new Script(source, { filename: FILE });
  script.runInThisContext()(createRequire(main), (path: string) => ({
    url: pathToFileURL(join(dirname(main), path)).href,
  }));
  return script.createCachedData();
}

const program = fileURLToPath(import.meta.url);
if (process.argv[1] === program) {
  const folder = join(dirname(program), "../../src");
  const source = pack(folder, "server/main.js");
  writeFileSync(join(folder, FILE), source);
  writeFileSync(join(folder, `${FILE}.code`), compiled(source, join(folder, "main.cjs")));
}
