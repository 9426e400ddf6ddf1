/**
 * The house rules that a machine can check: which layer may import which, sizes, openings, words that must not occur.
 * Rules and their exceptions are data; every exception says why. A rule that is broken names file and line.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  functionsOf,
  type Import,
  importClosure,
  importsOf,
  layerOf,
  linesWithinTexts,
  projectFiles,
  projectFolder,
  sourceFiles,
} from "./support/source-tree.ts";

/** What each layer may import besides itself. ARCHITECTURE.md prints the same table. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ["base"],
  memory: ["base"],
  types: ["base", "memory"],
  cold: ["base"],
  keyspace: ["base", "memory", "types", "cold"],
  commands: ["base", "protocol", "memory", "types", "keyspace"],
  persistence: ["base", "protocol", "memory", "types", "cold", "keyspace"],
  scripting: ["base", "protocol"],
  server: ["base", "protocol", "memory", "types", "cold", "keyspace", "commands", "persistence", "scripting"],
  tools: ["base", "protocol", "memory", "types", "cold", "keyspace", "commands", "persistence", "server"],
};
/** The entry file lies in src itself, and knows only the program. */
const ENTRY = "src/main.cts";
/** May import anything, and no layer imports them. */
const OUTSIDE = ["test", "bench"];
/** What an offline tool must not even reach through others: it works on files, not on a running server's data. Memory
 * is where types decode a value, one at a time. */
const NOT_IN_TOOLS = ["server", "commands", "keyspace", "cold"];
/** Tools that need more, each with the layers it may not reach all the same, and the reason. */
const TOOLS_WITH_MORE: Readonly<
  Record<string, { readonly without: readonly string[]; readonly why: string }>
> = {
  "tools/check-tier.ts": { without: ["server"], why: "the cold tier is what it reads" },
  "tools/export.ts": { without: [], why: "shows what a server shows: it starts one that serves nobody" },
};

const FILE_LINES = 500;
const FUNCTION_LINES = 70;
const LINE_CHARACTERS = 120;
const FILE_BYTES = 256 * 1024;

/** Functions that may be longer, by file and head; each with its reason. */
const LONG_FUNCTIONS: Readonly<Record<string, string>> = {
  'test/commands/server/conformance.test.ts: test.each([2, 3] as const)("connections in RESP%i", async (resp) => {':
    "a list of requests in their order, nearly one a line",
};

interface BannedText {
  readonly pattern: RegExp;
  readonly why: string;
  /** Where it may stand all the same: a path, or a folder with a final slash, and the reason. */
  readonly except: Readonly<Record<string, string>>;
}

const BANNED: readonly BannedText[] = [
  {
    pattern: /\b(TODO|FIXME|XXX)\b/,
    why: "finish it, or write down what is missing where users look",
    except: { "test/tidy.test.ts": "this list" },
  },
  {
    pattern: /\bconsole\./,
    why: "the server has a log",
    except: {
      "bench/": "prints reports",
      "tools/": "print reports",
      "test/tools/": "tests of what the tools print",
    },
  },
  {
    pattern: /"node:fs(\/promises)?"/,
    why: "files go through base/files.ts, so that tests can put a simulated disk behind them",
    except: {
      "src/base/real-files.ts": "the implementation",
      "src/base/machine-memory.ts": "reads /proc, which is no disk",
      "src/base/thread-time.ts": "reads /proc, which is no disk",
      "src/scripting/lua-module.ts": "the compiled Lua: a part of the program",
      "src/cold/level-store.ts": "LevelDB owns its folder; tests replace the whole store",
      "src/server/config/": "read before there is a server, and tested on real files",
      "src/main.cts": "reads the server's own code",
      "src/server/log.ts": "the log must work when nothing else does",
      "src/server/main.ts": "the data folder and the pid file, before and after the server",
      "src/server/open-files.ts": "reads /proc, which is no disk",
      "src/server/thread-priority.ts": "reads /proc, which is no disk",
      "src/server/transport/tls-settings.ts": "certificates, which are no data",
      "src/server/unix-socket.ts": "the file of a socket, which is no data",
      "src/server/version.ts": "package.json",
      "test/": "tests set up real folders",
      "bench/": "benchmarks work on the real disk",
      "tools/": "offline programs on real files",
    },
  },
  {
    pattern: /\b(Date\.now|performance\.now|process\.hrtime|Math\.random)\b/,
    why: "time and chance are injected (base/clock.ts, base/random.ts), so that a test can repeat a run",
    except: {
      "src/base/": "the implementations",
      "src/server/log.ts": "the time of a log line, if no clock is given",
      "tools/": "no server, no clock",
      "test/": "seeds that are printed, deadlines in the future",
      "bench/": "measures",
    },
  },
  {
    pattern: /\bprocess\.exit\b/,
    why: "only the program may end the process",
    except: {
      "src/server/main.ts": "the program",
      "tools/": "programs",
      "bench/": "programs",
      "test/": "child processes of tests",
    },
  },
  {
    pattern: /^export default\b/m,
    why: "a thing has one name everywhere",
    except: { "test/vitest.config.ts": "vitest asks for one" },
  },
];

/** Tests of properties of the whole, which no single source file owns. */
const CROSS_CUTTING: Readonly<Record<string, string>> = {
  "test/tidy.test.ts": "the house rules",
  "test/docs.test.ts": "the documents",
  "test/crash/": "what survives a crash",
  "test/integration/": "the server from outside",
  "test/clients/": "the server as libraries of clients see it",
  "test/support/": "the simulated disk and store, which other tests rely upon",
};

const files = sourceFiles();
const imports: readonly Import[] = files.flatMap(importsOf);
const ownImports = imports.filter((edge) => edge.isOwn);

/** Where lines are that `isFound` finds. */
function occurrences(isFound: (line: string, path: string) => boolean): string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, i) => (isFound(line, path) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
}

describe("the check itself", () => {
  test("has seen the project", () => {
    expect(files.length).toBeGreaterThan(150);
    expect(ownImports.length).toBeGreaterThan(500);
    const seenLayers = new Set(ownImports.map((edge) => layerOf(edge.from)));
    for (const layer of Object.keys(LAYERS)) {
      if (layer !== "base") expect(seenLayers, `imports of ${layer}`).toContain(layer);
    }
    expect(files.flatMap(functionsOf).length).toBeGreaterThan(1000);
  });

  test("sees every import statement", () => {
    for (const file of files) {
      const statements = file.lines.filter(
        (line) => /^import\b|^\} from "/.test(line) && /"[^"]+";$/.test(line),
      );
      expect(importsOf(file).length, file.path).toBeGreaterThanOrEqual(statements.length);
    }
  });

  test("resolves every import to a file", () => {
    const known = new Set(files.map((file) => file.path));
    expect(ownImports.filter((edge) => !known.has(edge.to))).toEqual([]);
  });

  test("counts the lines of functions", () => {
    const lines = [
      "export function one(",
      "  first: number,",
      "): number {",
      "  return list.map((each) => {",
      "    return each;",
      "  });",
      "}",
      "class Two {",
      "  get three(): number {",
      "    if (this.a) {",
      "      this.b();",
      "    }",
      "  }",
      "}",
    ];
    const spans = functionsOf({ path: "example.ts", text: lines.join("\n"), lines });
    expect(spans.map(({ line, lines }) => [line, lines])).toEqual([
      [1, 7],
      [4, 3],
      [9, 5],
    ]);
  });
});

describe("layers", () => {
  test("import only what the table allows", () => {
    const wrong = ownImports.filter((edge) => {
      const from = layerOf(edge.from);
      const to = layerOf(edge.to);
      if (OUTSIDE.includes(from) || from === to) return false;
      if (edge.from === ENTRY) return to !== "server";
      return !LAYERS[from].includes(to);
    });
    expect(wrong.map((edge) => `${edge.from} imports ${edge.to}`)).toEqual([]);
  });

  test("are all in the table, with nothing lower below something higher", () => {
    const order = Object.keys(LAYERS);
    const inSource = new Set(files.map((file) => layerOf(file.path)));
    for (const layer of inSource) expect([...order, ...OUTSIDE, "main.cts"]).toContain(layer);
    for (const [layer, allowed] of Object.entries(LAYERS)) {
      for (const lower of allowed)
        expect(order.indexOf(lower), `${layer} > ${lower}`).toBeLessThan(order.indexOf(layer));
    }
  });

  test("are printed in ARCHITECTURE.md as they are here", () => {
    const rows = readFileSync(join(projectFolder, "ARCHITECTURE.md"), "utf8").matchAll(
      /^\| `([a-z]+)` \| ((?:`[a-z]+`(?:, )?)+|nothing) \|/gm,
    );
    const printed = Object.fromEntries(
      [...rows].map(([, layer, allowed]) => [
        layer,
        [...allowed.matchAll(/`([a-z]+)`/g)].map(([, name]) => name),
      ]),
    );
    expect(printed).toEqual(LAYERS);
  });

  test("keep the offline tools away from the server's data", () => {
    const entries = files.filter((file) => /^tools\/[^/]+\.ts$/.test(file.path));
    expect(entries.length).toBeGreaterThan(0);
    for (const { path } of entries) {
      const reached = [...importClosure(path, ownImports)];
      expect(reached.length, path).toBeGreaterThan(10);
      const forbidden = TOOLS_WITH_MORE[path]?.without ?? NOT_IN_TOOLS;
      expect(reached.filter((each) => forbidden.includes(layerOf(each)))).toEqual([]);
    }
    const paths = entries.map(({ path }) => path);
    expect(Object.keys(TOOLS_WITH_MORE).filter((path) => !paths.includes(path))).toEqual([]);
  });

  test("of commands: a group never imports another group", () => {
    const groupOf = (path: string) => /^src\/commands\/([a-z-]+)\//.exec(path)?.[1];
    const wrong = ownImports.filter((edge) => {
      const [from, to] = [groupOf(edge.from), groupOf(edge.to)];
      return from !== undefined && to !== undefined && from !== to;
    });
    expect(wrong).toEqual([]);
  });
});

describe("files", () => {
  test("open with what they are for", () => {
    const opens = /^(#!.*\n)?\/\*\* ?\S|^(#!.*\n)?\/\*\*\n \* \S/;
    expect(files.filter((file) => !opens.test(file.text)).map((file) => file.path)).toEqual([]);
  });

  test(`have at most ${FILE_LINES} lines`, () => {
    const long = files.filter((file) => file.lines.length > FILE_LINES);
    expect(long.map((file) => `${file.path}: ${file.lines.length}`)).toEqual([]);
  });

  test(`have functions of at most ${FUNCTION_LINES} lines`, () => {
    // What holds tests is a list, not a function: each test counts for itself.
    const long = files.flatMap(functionsOf).filter((span) => span.lines > FUNCTION_LINES && !span.holdsTests);
    const unexpected = long.filter((span) => LONG_FUNCTIONS[`${span.path}: ${span.head}`] === undefined);
    expect(unexpected.map((span) => `${span.path}:${span.line}: ${span.lines} lines: ${span.head}`)).toEqual(
      [],
    );
    const present = new Set(long.map((span) => `${span.path}: ${span.head}`));
    expect(Object.keys(LONG_FUNCTIONS).filter((exception) => !present.has(exception))).toEqual([]);
  });

  test(`have lines of at most ${LINE_CHARACTERS} characters`, () => {
    // A text is not broken to fit: messages must be found by searching for them.
    const withoutTexts = (line: string) => line.replaceAll(/"[^"]*"|`[^`]*`?|\/\^.*\$\//g, "");
    const wide = files.flatMap((file) => {
      const isText = linesWithinTexts(file);
      return file.lines.flatMap((line, i) => {
        // The line that names the interpreter cannot be broken.
        if (i === 0 && line.startsWith("#!")) return [];
        const isWide = line.length > LINE_CHARACTERS && withoutTexts(line).length > LINE_CHARACTERS / 2;
        return isWide && !isText[i] ? [`${file.path}:${i + 1}`] : [];
      });
    });
    expect(wide).toEqual([]);
  });

  test(`of Markdown have lines of at most ${LINE_CHARACTERS} characters, but for tables and code`, () => {
    const documents = projectFiles().filter((path) => path.endsWith(".md"));
    expect(documents.length).toBeGreaterThan(5);
    const wide = documents.flatMap((path) => {
      const lines = readFileSync(join(projectFolder, path), "utf8").split("\n");
      let isCode = false;
      return lines.flatMap((line, i) => {
        if (line.startsWith("```")) isCode = !isCode;
        const isFree = isCode || line.startsWith("|") || line.startsWith("    ");
        return line.length > LINE_CHARACTERS && !isFree ? [`${path}:${i + 1}`] : [];
      });
    });
    expect(wide).toEqual([]);
  });

  test.each(BANNED)("do not contain $pattern", ({ pattern, why, except }) => {
    const allowed = Object.keys(except);
    const isAllowed = (path: string) =>
      allowed.some((each) => (each.endsWith("/") ? path.startsWith(each) : path === each));
    expect(
      occurrences((line, path) => !isAllowed(path) && pattern.test(line)),
      why,
    ).toEqual([]);
    // An exception that nothing needs any more goes; whole folders may keep theirs.
    const isNeeded = (each: string) =>
      occurrences((line, path) => path === each && pattern.test(line)).length > 0;
    expect(allowed.filter((each) => !each.endsWith("/") && !isNeeded(each))).toEqual([]);
  });

  test(`are not larger than ${FILE_BYTES} bytes`, () => {
    const all = projectFiles();
    expect(all.length).toBeGreaterThan(files.length);
    expect(all.filter((path) => statSync(join(projectFolder, path)).size > FILE_BYTES)).toEqual([]);
  });
});

describe("tests", () => {
  test("lie where what they test lies", () => {
    const known = new Set(projectFiles());
    const folders = new Set([...known].map((path) => path.slice(0, path.lastIndexOf("/"))));
    const strays = files.filter(({ path }) => {
      if (!path.startsWith("test/") || !path.endsWith(".test.ts")) return false;
      if (
        Object.keys(CROSS_CUTTING).some(
          (each) => path === each || (each.endsWith("/") && path.startsWith(each)),
        )
      ) {
        return false;
      }
      const mirrored = path.slice("test/".length, path.lastIndexOf("/"));
      return !folders.has(`src/${mirrored}`) && !folders.has(mirrored);
    });
    expect(strays.map((file) => file.path)).toEqual([]);
  });

  test("are not switched off or alone", () => {
    const marks = /\b(test|it|describe)\.(only|skip|todo)\(/;
    expect(occurrences((line) => marks.test(line))).toEqual([]);
  });
});

describe("packages", () => {
  test("are locked without the address of a registry", () => {
    const lock = readFileSync(join(projectFolder, "package-lock.json"), "utf8");
    expect(lock.length).toBeGreaterThan(1000);
    expect(lock).not.toMatch(/"resolved"|https?:\/\/[^"]*\.tgz/);
  });

  test("for other systems are in the lock too, without which npm ci refuses it", () => {
    const { packages } = JSON.parse(readFileSync(join(projectFolder, "package-lock.json"), "utf8")) as {
      packages: Record<string, { readonly optionalDependencies?: Record<string, string> }>;
    };
    const wanted = Object.entries(packages).flatMap(([parent, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).map((name) => ({ parent, name })),
    );
    expect(wanted.length).toBeGreaterThan(0);
    const isThere = ({ parent, name }: { parent: string; name: string }) =>
      `node_modules/${name}` in packages || `${parent}/node_modules/${name}` in packages;
    expect(wanted.filter((each) => !isThere(each))).toEqual([]);
  });

  test("that the sources import are declared, and those for development stay out of src and tools", () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(projectFolder, "package.json"), "utf8"),
    ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
    const wrong = imports.filter(({ from, to, isOwn }) => {
      if (isOwn || to.startsWith("node:")) return false;
      const name = to
        .split("/")
        .slice(0, to.startsWith("@") ? 2 : 1)
        .join("/");
      const isDevelopment = OUTSIDE.includes(layerOf(from)) || from.startsWith("tools/build/");
      return dependencies[name] === undefined && !(isDevelopment && devDependencies[name] !== undefined);
    });
    expect(wrong).toEqual([]);
  });
});
