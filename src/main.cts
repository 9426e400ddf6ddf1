/**
 * Where the process begins. CommonJS, because the size of libuv's thread pool must be set before the first asynchronous
 * file operation, and loading ES modules already is one: with the default of four threads an fsync would wait behind
 * cold reads.
 */
process.env["UV_THREADPOOL_SIZE"] ??= "12";

void import("./server/main.js").then(({ main }) => main(process.argv.slice(2)));
