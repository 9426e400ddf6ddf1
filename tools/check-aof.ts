#!/usr/bin/env node
/**
 * tsredis-check-aof: examines and repairs append-only files. Everything is in check-aof/; this only connects it to
 * the process.
 */
import { realFiles } from "../src/base/real-files.ts";
import { main } from "./check-aof/main.ts";

process.exitCode = await main(process.argv.slice(2), {
  files: realFiles,
  input: process.stdin,
  output: process.stdout,
  terminal: process.stderr,
  nowMs: Date.now(),
});
