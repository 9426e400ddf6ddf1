#!/usr/bin/env node
/**
 * tsredis-check-rdb: examines, salvages and converts RDB files. Everything is in check-rdb/; this only connects it to
 * the process.
 */
import { main } from "./check-rdb/main.ts";
import { processSurroundings } from "./shared/surroundings.ts";

process.exitCode = await main(process.argv.slice(2), processSurroundings());
