/**
 * File names with wildcards, as the `include` directive takes them (glob(3)): `*`, `?` and `[...]` within one part of
 * the path, sorted, names that begin with a dot only where the pattern says the dot.
 */
import { existsSync, readdirSync } from "node:fs";
import { join, parse, resolve } from "node:path";
import { globMatch } from "../../base/glob.ts";

/** Whether a name has a wildcard at all; without one, a missing file is an error, with one it is not. */
export function hasWildcard(path: string): boolean {
  return /[*?[]/.test(path);
}

/** The existing paths that `pattern` matches, absolute and sorted; relative patterns start at `folder`. */
export function expandPattern(pattern: string, folder: string): string[] {
  const absolute = resolve(folder, pattern);
  const { root } = parse(absolute);
  let paths = [root];
  for (const part of absolute.slice(root.length).split("/")) {
    paths = paths.flatMap((path) => matchPart(path, part));
  }
  return paths;
}

function matchPart(folder: string, part: string): string[] {
  if (!hasWildcard(part)) {
    const path = join(folder, part);
    return existsSync(path) ? [path] : [];
  }
  // glob(3) negates a class with `!` (and `^`), Redis's matcher with `^` only.
  const pattern = Buffer.from(part.replaceAll("[!", "[^"));
  return namesIn(folder)
    .filter((name) => (name.startsWith(".") ? part.startsWith(".") : true))
    .filter((name) => globMatch(pattern, Buffer.from(name)))
    .sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
    .map((name) => join(folder, name));
}

/** Empty for what is not a folder or cannot be read, as for glob(3). */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
