#!/usr/bin/env node
/**
 * tsredis-check-aof: examines and repairs append-only files. Everything is in check-aof/; this only connects it to
 * the process.
 */
import { main } from "./check-aof/main.ts";
import { processSurroundings } from "./shared/surroundings.ts";

process.exitCode = await main(process.argv.slice(2), processSurroundings());
