#!/usr/bin/env -S MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072 GLIBC_TUNABLES=glibc.malloc.hugetlb=1 node --use-largepages=silent --max-semi-space-size=2 --no-parallel-scavenge
/**
 * Where the process begins. CommonJS, because the size of libuv's thread pool must be set before the first asynchronous
 * file operation, and loading ES modules already is one: with the default of four threads an fsync would wait behind
 * cold reads.
 *
 * The first line sets what can only be set before a process begins; with plain `node` the server works as well, only
 * slower and with more memory (but for the last):
 *   - MALLOC_*: buffers of 128 KB and more come from the system and go back to it, and the threads share two heaps.
 *     glibc would keep a heap for each thread and leave holes of such buffers in them: with --maxmemory 64mb and
 *     fifteen times as much data that was up to 90 MB of resident memory.
 *   - GLIBC_TUNABLES: slabs (memory/slabs.ts) and other large buffers lie on pages of 2 MB, if the system gives them to
 *     who asks (transparent_hugepage `madvise`, the usual setting). With a million keys, looking up pages of 4 KB takes
 *     5 to 8 percent of the time of a GET, SET, SADD or ZADD. Redis does without them, for the sake of fork.
 *   - --use-largepages: Node's own code on large pages, which saves 5 to 10 percent of the time of a GET.
 *   - --max-semi-space-size: commands leave little to the garbage collector, and a young generation that grew to V8's
 *     48 MB, as it does while data is loaded, would be memory that the data could have.
 *   - --no-parallel-scavenge: so small a young generation is collected sooner than its helpers, which have a lower
 *     priority here (server/thread-priority.ts), have come and gone: a third less time for all collections of a load.
 */
process.env["UV_THREADPOOL_SIZE"] ??= "12";

const { readFileSync, statSync } = process.getBuiltinModule("node:fs");
const { pathToFileURL } = process.getBuiltinModule("node:url");
const { Script } = process.getBuiltinModule("node:vm");

interface Program {
  readonly main: (argv: readonly string[]) => Promise<void>;
}

/** Modules and pack may have been copied one after the other. */
const COPYING_MS = 5000;

/** The server out of the file that tools/build/pack-server.ts makes of its modules: loading these one by one takes half
 * a second of processor time. Undefined if there is no such file, or a module was changed since. */
function packed(): Program | undefined {
  const filename = "server.pack";
  const file = `${__dirname}/${filename}`;
  let source: string;
  try {
    source = readFileSync(file, "latin1");
    const { mtimeMs: packedMs } = statSync(file);
    const modules = JSON.parse(source.slice("//".length, source.indexOf("\n"))) as [string, number][];
    for (const [path, bytes] of modules) {
      const { mtimeMs, size } = statSync(`${__dirname}/${path}`);
      if (size !== bytes || mtimeMs > packedMs + COPYING_MS) return undefined;
    }
  } catch {
    return undefined;
  }
  const urlOf = (path: string) => pathToFileURL(`${__dirname}/${path}`).href;
  return new Script(source, { filename, ...compiled(file) }).runInThisContext()(require, urlOf) as Program;
}

/** What V8 compiled of the file, if it was kept; another version of V8 does not take it. */
function compiled(file: string): { readonly cachedData?: Buffer } {
  try {
    return { cachedData: readFileSync(`${file}.code`) };
  } catch {
    return {};
  }
}

void Promise.resolve(packed() ?? import("./server/main.js")).then(({ main }) => main(process.argv.slice(2)));
