#!/usr/bin/env node
/**
 * tsredis-check-tier: examines and repairs the cold tier of a data directory. Everything is in check-tier/; this only
 * connects it to the process.
 */
import { main } from "./check-tier/main.ts";
import { processSurroundings } from "./shared/surroundings.ts";

process.exitCode = await main(process.argv.slice(2), processSurroundings());
