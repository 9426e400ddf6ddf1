/**
 * Our version, from the package.
 */
import { readFileSync } from "node:fs";

export const VERSION: string = readVersion();

function readVersion(): string {
  // Two folders up from dist/src/server, and from src/server as well when tests run the sources.
  for (const path of ["../../../package.json", "../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (name === "tsredis" && version !== undefined) return version;
    } catch {
      // The other layout.
    }
  }
  return "0.0.0";
}
