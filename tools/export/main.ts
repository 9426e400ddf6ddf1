/** tsredis-export from arguments to exit status. */
import { resolve } from "node:path";
import { globMatchRange } from "../../src/base/glob.ts";
import type { Log } from "../../src/base/log.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import { ManifestError } from "../../src/persistence/aof/manifest.ts";
import { AofReadError, AofReader } from "../../src/persistence/aof/reader.ts";
import { DumpDamaged, readBack } from "../../src/persistence/dump-verifier.ts";
import { LoadError } from "../../src/persistence/load-error.ts";
import { RdbError } from "../../src/persistence/rdb/reader.ts";
import { ConfigError, SettingError } from "../../src/server/config/config-error.ts";
import { Console, EXIT_OK } from "../shared/console.ts";
import { lockDirectories } from "../shared/directory-lock.ts";
import { type ByteWriter, FileWriter, StreamWriter } from "../shared/file-writer.ts";
import { NoDataError, type OfflineServer, startOffline } from "../shared/offline-server.ts";
import { type Surroundings } from "../shared/surroundings.ts";
import { asBytes, isSystemError, namedErrorText, plural } from "../shared/texts.ts";
import { runTool, statusOf } from "../shared/tool.ts";
import { type ExportRequest, HELP, OPTIONS, readArguments, USAGE } from "./arguments.ts";
import { Tally, walkKeys } from "./contents.ts";
import { AofTarget, RdbTarget } from "./targets.ts";

/** Keys from which on progress is shown. */
const MANY_KEYS = 200_000;

/** What the JSON object holds. */
interface Result {
  source?: OfflineServer["source"];
  keys?: number;
  keysByDatabase?: Record<string, number>;
  /** Keys left out because their time had come. */
  expired?: number;
  functions?: number;
  sizeBytes?: number;
  remarks?: string[];
}

/** Runs the tool; resolves to the exit status. */
export function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const tool = {
    name: "tsredis-export",
    options: OPTIONS,
    usage: USAGE,
    help: HELP,
    read: readArguments,
    run: (request: ExportRequest) => new Export(request, surroundings).run(),
  };
  return runTool(tool, args, surroundings);
}

class Export {
  readonly #request: ExportRequest;
  readonly #surroundings: Surroundings;
  readonly #console: Console;
  readonly #result: Result = {};

  constructor(request: ExportRequest, surroundings: Surroundings) {
    this.#request = request;
    this.#surroundings = surroundings;
    const { output, terminal } = surroundings;
    this.#console = new Console(request.isJson, request.output === "-" ? terminal : output, terminal);
  }

  async run(): Promise<number> {
    const { folder, format, output } = this.#request;
    const status = await statusOf(this.#console, () => this.#locked(), textOf);
    this.#console.finishJson({ folder, output, format, exitStatus: status, ...this.#result });
    return status;
  }

  async #locked(): Promise<number> {
    const { files } = this.#surroundings;
    const { folder, output } = this.#request;
    if ((await files.stat(folder))?.isDirectory !== true)
      throw this.#console.stop(`There is no folder ${asBytes(folder)}`);
    if (output !== "-" && (await files.stat(output)) !== undefined)
      throw this.#console.stop(`${asBytes(output)} exists already`);
    const lock = await lockDirectories([`${resolve(folder)}/any`]);
    try {
      return await this.#export();
    } finally {
      await lock.release();
    }
  }

  async #export(): Promise<number> {
    const { config, databaseCount, folder, memory, temporary } = this.#request;
    const remarks: string[] = [];
    this.#result.remarks = remarks;
    const offline = await startOffline({
      files: this.#surroundings.files,
      folder,
      temporary,
      config,
      databases: databaseCount,
      memory,
      log: this.#logTo(remarks),
    });
    try {
      this.#result.source = offline.source;
      return await this.#write(offline);
    } finally {
      await offline.close();
    }
  }

  /** What a start would warn of, the user of this tool should know. */
  #logTo(remarks: string[]): Log {
    const nothing = (): void => undefined;
    return {
      debug: nothing,
      verbose: nothing,
      notice: nothing,
      warning: (text) => {
        remarks.push(text);
        this.#console.printNote(asBytes(text));
      },
    };
  }

  async #write(offline: OfflineServer): Promise<number> {
    const { files, output } = this.#surroundings;
    const { databases, output: path } = this.#request;
    const count = offline.server.keyspace.databases.length;
    const absent = [...(databases ?? [])].find((index) => index >= count);
    if (absent !== undefined)
      throw this.#console.stop(`There is no database ${absent}: the server has ${count}`);
    if (path === "-") {
      const writer = new StreamWriter(output);
      await this.#writeTo(writer, offline);
      this.#report(writer);
      return EXIT_OK;
    }
    const temporary = `${path}.part`;
    const writer = await FileWriter.create(files, temporary);
    try {
      await this.#writeTo(writer, offline);
      await writer.finish();
      await this.#readBack(temporary, writer.position);
    } catch (error) {
      await writer.discard();
      throw error;
    }
    await files.rename(temporary, path);
    this.#report(writer);
    return EXIT_OK;
  }

  async #writeTo(writer: ByteWriter, { server }: OfflineServer): Promise<void> {
    const { databases, format, pattern } = this.#request;
    const { databases: all, functions } = server.keyspace;
    const target = format === "rdb" ? new RdbTarget(server, writer) : new AofTarget(server, writer);
    const tally = new Tally();
    const hasDatabase = (index: number): boolean => databases?.has(index) ?? true;
    const total = all.reduce((sum, { index, size }) => sum + (hasDatabase(index) ? size : 0), 0);
    const selection = {
      hasDatabase,
      hasKey: (source: Buffer, start: number, length: number) =>
        pattern === undefined || globMatchRange(pattern, source, start, length),
    };
    await this.#console.withProgress(
      total,
      () => Math.min(total, tally.seen),
      async () => {
        await target.begin();
        await walkKeys(server, selection, tally, target);
        await target.end();
      },
      MANY_KEYS,
    );
    this.#result.keys = tally.keys;
    this.#result.keysByDatabase = Object.fromEntries(tally.keysByDatabase);
    this.#result.expired = tally.expired;
    this.#result.functions = [...functions.sources()].length;
    this.#result.sizeBytes = writer.position;
  }

  /** What a disk or a mistake of ours has spoilt is found now. */
  async #readBack(path: string, bytes: number): Promise<void> {
    const file = await this.#surroundings.files.open(path, "read");
    try {
      if (this.#request.format === "rdb") {
        await readBack(
          file,
          () => bytes,
          () => this.#result.keys!,
          () => undefined,
        );
        return;
      }
      const reader = await AofReader.open(file, { name: path });
      do {
        while (reader.next());
      } while (await reader.advance());
      const { outcome } = reader;
      if (outcome?.kind !== "clean" || outcome.dataUpTo !== bytes)
        throw new LoadError(`What was written to ${path} cannot be read back`);
    } finally {
      await file.close();
    }
  }

  #report(writer: ByteWriter): void {
    const { keys, expired } = this.#result;
    const left = expired === 0 ? "" : `; ${plural(expired!, "key")} left out, since expired`;
    const { output } = this.#request;
    const where = output === "-" ? "standard output" : asBytes(output);
    this.#console.printGood(
      `${plural(keys!, "key")} written to ${where} (${plural(writer.position, "byte")})${left}`,
    );
  }
}

/** The text of an error that tells of the directory, or of what was asked for, and not of a mistake of ours. */
function textOf(error: unknown): string | undefined {
  const kinds = [
    StorageError,
    LoadError,
    ManifestError,
    RdbError,
    AofReadError,
    ConfigError,
    SettingError,
    NoDataError,
    DumpDamaged,
  ];
  if (isSystemError(error)) return asBytes(namedErrorText(error));
  return kinds.some((kind) => error instanceof kind) ? asBytes((error as Error).message) : undefined;
}
