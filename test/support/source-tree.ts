/**
 * The project's own sources as text, for tests of the house rules: which files there are, what they import, where
 * their functions begin and end. Reads text, not syntax trees; the formatter makes that exact enough: a function's
 * last line is the first one after its head that closes at the same depth.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const projectFolder = fileURLToPath(new URL("../..", import.meta.url));

/** Not the project's: what is installed, built or written at run time. */
const FOREIGN = new Set(["node_modules", "dist", "data", "coverage", ".git"]);
const SOURCE_FOLDERS = ["src", "test", "tools", "bench"] as const;

export interface SourceFile {
  /** Relative to the project's folder, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

/** Whether each line begins within a text of several lines (a template literal): a table of data, not code. */
export function linesWithinTexts(file: SourceFile): boolean[] {
  let isWithin = false;
  return file.lines.map((line) => {
    const beganWithin = isWithin;
    const marks = line.replaceAll(/\\`|\/\*\*.*|^\s*(\*|\/\/).*|"[^"]*"/g, "").split("`").length - 1;
    if (marks % 2 === 1) isWithin = !isWithin;
    return beganWithin;
  });
}

export interface Import {
  readonly from: string;
  /** The imported file of the project, or the package's name as it is written. */
  readonly to: string;
  readonly isOwn: boolean;
}

/** All files of the project, relative to its folder. */
export function projectFiles(): string[] {
  const files: string[] = [];
  const visit = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      if (FOREIGN.has(name)) continue;
      const path = join(folder, name);
      if (statSync(path).isDirectory()) visit(path);
      else files.push(relative(projectFolder, path));
    }
  };
  visit(projectFolder);
  return files.sort();
}

/** All TypeScript files. */
export function sourceFiles(): SourceFile[] {
  return projectFiles()
    .filter(
      (path) => /\.[cm]?ts$/.test(path) && SOURCE_FOLDERS.some((folder) => path.startsWith(`${folder}/`)),
    )
    .map((path) => {
      const text = readFileSync(join(projectFolder, path), "utf8");
      return { path, text, lines: text.replace(/\n$/, "").split("\n") };
    });
}

/** What a file imports, types included. */
export function importsOf(file: SourceFile): Import[] {
  const pattern = /(?:^import |^\} from |^(?:import|export) .* from |import\()\s*"([^"]+)"/gm;
  return [...file.text.matchAll(pattern)].map(([, specifier]) => {
    const isOwn = specifier.startsWith(".");
    const path = normalize(join(dirname(file.path), specifier));
    // Only the CommonJS entry names what the compiler makes of a file.
    return { from: file.path, to: isOwn ? path.replace(/\.js$/, ".ts") : specifier, isOwn };
  });
}

/** The layer of a file: its folder in src, or the folder at the top. */
export function layerOf(path: string): string {
  const [top, second] = path.split("/");
  return top === "src" ? second : top;
}

/** All files that a file imports, directly or not; itself included. */
export function importClosure(start: string, imports: readonly Import[]): Set<string> {
  const seen = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const edge of imports) if (edge.isOwn && edge.from === path) waiting.push(edge.to);
  }
  return seen;
}

export interface FunctionSpan {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly lines: number;
  readonly head: string;
  /** It is made of tests, or of groups of them. */
  readonly holdsTests: boolean;
}

const NO_FUNCTION = /^\s*(if|for|while|switch|catch|else|do|try|finally|class|describe)\b|^\s*\}/;

/** Every function, method and arrow function with a body of its own lines. */
export function functionsOf(file: SourceFile): FunctionSpan[] {
  const spans: FunctionSpan[] = [];
  for (let i = 0; i < file.lines.length; i++) {
    if (!/(\)|=>|\)(: .+)) \{$/.test(file.lines[i])) continue;
    const depth = depthOf(file.lines[i]);
    const start = headOf(file.lines, i, depth);
    const head = file.lines[start];
    if (NO_FUNCTION.test(head) || /\b(class|interface|describe)\b/.test(head)) continue;
    let end = i + 1;
    while (end < file.lines.length && !closesAt(file.lines[end], depth)) end++;
    const holdsTests = file.lines
      .slice(start + 1, end)
      .some((line) => /^\s+(test|it|describe)[.(]/.test(line));
    spans.push({ path: file.path, line: start + 1, lines: end - start + 1, head: head.trim(), holdsTests });
  }
  return spans;
}

/** The line on which the statement began whose parameter list ends on line `i`. */
function headOf(lines: readonly string[], i: number, depth: number): number {
  if (!/^\s*\)/.test(lines[i])) return i;
  let start = i - 1;
  while (start > 0 && (lines[start] === "" || depthOf(lines[start]) > depth)) start--;
  return start;
}

function closesAt(line: string, depth: number): boolean {
  return depthOf(line) === depth && /^\s*\}/.test(line);
}

function depthOf(line: string): number {
  return line.length - line.trimStart().length;
}
