/**
 * Where the process begins. CommonJS, because the size of libuv's thread pool must be set before the first asynchronous
 * file operation, and loading ES modules already is one: with the default of four threads an fsync would wait behind
 * cold reads.
 */

process.env["UV_THREADPOOL_SIZE"] ??= "12";

// Commands leave next to nothing to the garbage collector, so a young generation that grows to 48 MB (V8's default) is
// memory that the data could have. It stays at its initial size.
process.getBuiltinModule("node:v8").setFlagsFromString("--semi-space-growth-factor=1");

void import("./server/main.js").then(({ main }) => main(process.argv.slice(2)));
