/**
 * Server processes under measurement: started on a free port of 127.0.0.1 in a folder of their own, ended by
 * their process id. Whatever happens to the benchmark, its servers and folders go when it ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../../test/support/free-port.ts";
import { PipelineClient } from "./pipeline-client.ts";

const READY_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
const KEPT_OUTPUT_CHARACTERS = 4096;
/** f_type of statfs for file systems in memory: tmpfs and ramfs. */
const MEMORY_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** What to run: the command with its first arguments. */
export type Program = readonly [command: string, ...args: string[]];

/** This project's server, started as `npm start` does, from the build that this file is part of. */
export const TSREDIS: Program = [fileURLToPath(new URL("../../src/main.cjs", import.meta.url))];

const folders = new Set<string>();
const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

/** A new folder on a real disk, removed when the benchmark ends. `parent` "" chooses one. */
export function temporaryFolder(parent: string): string {
  const candidates = parent === "" ? [tmpdir(), "/var/tmp", process.cwd()] : [parent];
  const onDisk = candidates.find((path) => !MEMORY_FILE_SYSTEMS.has(statfsSync(path).type));
  if (onDisk === undefined)
    throw new Error(`${candidates.join(", ")}: in memory, not on a disk; choose another --dir`);
  const folder = mkdtempSync(join(onDisk, "tsredis-bench-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  folders.delete(folder);
}

export interface ServerSetup {
  readonly program: Program;
  /** Options beside the port, the address, the folder and the absence of snapshots. */
  readonly args: readonly string[];
  readonly folder: string;
  /** Environment variables beside those of the benchmark itself. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class ServerProcess {
  readonly port: number;
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private output = "";

  private constructor(setup: ServerSetup, port: number) {
    this.port = port;
    const [command, ...first] = setup.program;
    const own = ["--port", String(port), "--bind", "127.0.0.1", "--dir", setup.folder, "--save", ""];
    this.child = spawn(command, [...first, ...own, ...setup.args], {
      cwd: setup.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...setup.environment },
    });
    children.add(this.child);
    const keep = (bytes: Buffer) => {
      this.output = (this.output + bytes.toString()).slice(-KEPT_OUTPUT_CHARACTERS);
    };
    this.child.stdout?.on("data", keep);
    this.child.stderr?.on("data", keep);
    this.ended = new Promise((resolve) => {
      this.child.once("error", (error) => {
        this.output += error.message;
        resolve();
      });
      this.child.once("exit", () => resolve());
    });
    void this.ended.then(() => children.delete(this.child));
  }

  /** Starts the program without waiting until it is ready. */
  static async spawn(setup: ServerSetup): Promise<ServerProcess> {
    return new ServerProcess(setup, await freePort());
  }

  /** Starts the program and waits until it answers PING. */
  static async start(setup: ServerSetup): Promise<ServerProcess> {
    const server = await ServerProcess.spawn(setup);
    await server.firstReply(["PING"], () => true, POLL_MS);
    return server;
  }

  /** The end of what the program has printed. */
  get log(): string {
    return this.output;
  }

  /** The match of `pattern` in what the program has printed, looked for every `pollMs` until it is there. */
  async logged(pattern: RegExp, pollMs: number): Promise<RegExpExecArray> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (this.hasEnded || performance.now() > deadline)
        throw new Error(`the server did not print ${String(pattern)}:\n${this.output}`);
      await sleep(pollMs);
    }
  }

  get pid(): number {
    const { pid } = this.child;
    if (pid === undefined) throw new Error(`the server did not start: ${this.output}`);
    return pid;
  }

  /**
   * Asks `command` every `pollMs`, over a connection as soon as there is one, until `accepts` takes the
   * reply.
   */
  async firstReply(
    command: readonly string[],
    accepts: (reply: unknown) => boolean,
    pollMs: number,
  ): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    let client: PipelineClient | undefined;
    try {
      for (;;) {
        try {
          client ??= await PipelineClient.connect(this.port, READY_TIMEOUT_MS);
          if (accepts(await client.command(...command))) return;
        } catch {
          // Not listening yet, or still loading. A connection is kept: new ones would be paid for by who loads.
          if (client?.isBroken) client = undefined;
        }
        if (this.hasEnded) throw new Error(`the server ended before it was ready:\n${this.output}`);
        if (performance.now() > deadline)
          throw new Error(`the server was not ready in time:\n${this.output}`);
        await sleep(pollMs);
      }
    } finally {
      client?.close();
    }
  }

  /**
   * Ends the process and waits for its end. SIGTERM lets it end in order; after a while it is killed anyway.
   */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    if (this.hasEnded) return;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill("SIGKILL"), END_TIMEOUT_MS);
    await this.ended;
    clearTimeout(timer);
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined;
  }
}
