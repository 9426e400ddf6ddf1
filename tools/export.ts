#!/usr/bin/env node
/**
 * tsredis-export: writes what a data directory holds as one stock RDB or append-only file. Everything is in export/;
 * this only connects it to the process.
 */
import { main } from "./export/main.ts";
import { processSurroundings } from "./shared/surroundings.ts";

process.exitCode = await main(process.argv.slice(2), processSurroundings());
