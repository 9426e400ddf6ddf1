/**
 * What the documents say, as far as a machine can tell: the commands they list are those there are, links and paths
 * lead somewhere, scripts exist, and the commands in README.md that cost nothing are run.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { commandSpecs } from "../src/commands/all.ts";
import { settings } from "../src/server/config/settings.ts";
import { projectFiles, projectFolder } from "./support/source-tree.ts";

const RUN_TIMEOUT_MS = 30_000;
/** All documents of the project. */
const documents = projectFiles().filter((path) => path.endsWith(".md"));

function read(path: string): string {
  return readFileSync(join(projectFolder, path), "utf8");
}

/** The chapter of a document under the heading `title`, whatever its level. */
function chapter(path: string, title: string): string {
  const parts = read(path).split(/^#+ /m);
  const found = parts.find((part) => part.startsWith(`${title}\n`));
  if (found === undefined) throw new Error(`${path} has no chapter ${title}`);
  return found;
}

/** Words in code marks that are written as commands are. */
function commandWords(text: string): string[] {
  return [...text.matchAll(/`([A-Z][A-Z_-]+)`/g)].map(([, word]) => word).sort();
}

/** The anchors that a document's headings can be linked by. */
function anchors(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe("commands", () => {
  test("in README.md are those there are", () => {
    const names = commandSpecs.map((spec) => spec.name.toUpperCase()).sort();
    expect(names.length).toBeGreaterThan(50);
    expect(commandWords(chapter("README.md", "Commands"))).toEqual(names);
  });

  test("with their subcommands in docs/compatibility.md are those there are", () => {
    const rows = chapter("docs/compatibility.md", "Commands").matchAll(/^\| `([A-Z]+)` \| (.*) \|$/gm);
    const documented = Object.fromEntries([...rows].map(([, name, rest]) => [name, commandWords(rest)]));
    const containers = commandSpecs.filter((spec) => spec.subcommands !== undefined);
    const present = containers.map((spec): [string, string[]] => [
      spec.name.toUpperCase(),
      spec.subcommands!.map((each) => each.name.toUpperCase()).sort(),
    ]);
    expect(present.length).toBeGreaterThan(0);
    expect(documented).toEqual(Object.fromEntries(present));
  });

  test("that docs/compatibility.md says are missing are missing", () => {
    const missing = /All others answer[^]*?\n\n/.exec(chapter("docs/compatibility.md", "Commands"))![0];
    const words = [...missing.matchAll(/`([A-Z]+\|[A-Z]+)`/g)].map(([, word]) => word);
    expect(words.length).toBeGreaterThan(0);
    const names = commandSpecs.flatMap(({ name, subcommands }) =>
      (subcommands ?? []).map((each) => `${name}|${each.name}`.toUpperCase()),
    );
    expect(words.filter((word) => names.includes(word))).toEqual([]);
  });
});

test("defaults in docs/compatibility.md are those of the table of directives", () => {
  const rows = [
    ...chapter("docs/compatibility.md", "Defaults").matchAll(/^\| `([a-z-]+)` \| .* \| `([^`]+)` \|$/gm),
  ];
  expect(rows.length).toBeGreaterThan(2);
  for (const [, name, initial] of rows)
    expect(settings[name as keyof typeof settings].initial, name).toBe(initial);
});

describe.each(documents)("%s", (document) => {
  const text = read(document);

  test("links to what is there", () => {
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path, anchor] = target.split("#");
      const file = path === "" ? document : normalize(join(dirname(document), path));
      expect(existsSync(join(projectFolder, file)), target).toBe(true);
      if (anchor !== undefined) expect(anchors(file), target).toContain(anchor);
    }
  });

  test("names files and folders that are there", () => {
    const layers = projectFiles().map((path) => path.replace(/^src\//, ""));
    for (const [, path] of text.matchAll(/`((?:[\w.-]+\/)+[\w.-]+)`/g)) {
      if (
        !/^(src|test|tools|bench|docs|\.ci|base|protocol|memory|types|cold|keyspace|commands|persistence|server)\//.test(
          path,
        )
      ) {
        continue;
      }
      const isThere =
        existsSync(join(projectFolder, path)) ||
        layers.includes(path) ||
        existsSync(join(projectFolder, "src", path));
      expect(isThere, path).toBe(true);
    }
  });

  test("names npm scripts that are there", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    for (const [, script] of text.matchAll(/npm run ([\w:-]+)/g))
      expect(Object.keys(scripts)).toContain(script);
  });
});

test("README.md opens with how to start and how to test", () => {
  const lines = read("README.md")
    .split("\n")
    .filter((line) => line.startsWith("    "));
  expect(lines.slice(0, 2)).toEqual(["    npm ci && npm start", "    npm ci && npm test"]);
});

describe("commands of README.md that only print", () => {
  const lines = [...read("README.md").matchAll(/^ {4}node (dist\/\S+) (--help|--version)$/gm)];

  test("are there", () => {
    expect(lines.length).toBeGreaterThanOrEqual(3);
  });

  test.each(lines.map(([, program, option]) => [program, option]))("node %s %s", (program, option) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, option], {
      cwd: projectFolder,
      encoding: "utf8",
      timeout: RUN_TIMEOUT_MS,
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const { version } = JSON.parse(read("package.json")) as { version: string };
    expect(stdout).toMatch(option === "--version" ? version : /^Usage: tsredis-/);
  });
});

describe("docs/durability.md", () => {
  /** The last cells of all rows of tables with the column Proof, and what is promised there. */
  const rows = read("docs/durability.md")
    .split("\n\n")
    .filter((part) => /^\|.*\| Proof \|$/m.test(part))
    .flatMap((table) => table.trim().split("\n").slice(2))
    .map((row) => row.split(" | "))
    .map((cells) => ({ promise: cells[0].slice(2), proof: cells.at(-1)!.replace(/ \|$/, "") }));

  test("has promises", () => {
    expect(rows.length).toBeGreaterThan(20);
  });

  test.each(rows)("names the tests that prove it: $promise", ({ proof }) => {
    const named = [...proof.matchAll(/`(test\/[^`]+)`: "((?:[^"\\]|\\.)+)"/g)];
    expect(named.map(([text]) => text).join("; ")).toBe(proof);
    for (const [, path, name] of named) expect(read(path), `${path}: ${name}`).toContain(`"${name}"`);
  });
});
