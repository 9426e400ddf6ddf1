/**
 * The manifest: which files make up the append-only data, in order. Reads what Redis 7 reads, as strictly, with
 * its error texts; writes what Redis 7 reads. Replaced as a whole (temporary file, datasync, rename, sync of the
 * folder), so that after a crash either the old or the new one is there.
 *
 * One line per file, ended by \n, at most 1024 bytes; `#` begins a comment. Names with special characters are
 * quoted as in redis-cli. Pairs of unknown keys are skipped (Redis does so too):
 *
 *     file appendonly.aof.2.base.rdb seq 2 type b          base: at most one
 *     file appendonly.aof.1.incr.aof seq 1 type h          history: to be deleted
 *     file appendonly.aof.2.incr.aof seq 2 type i end 812  incr: ascending; bytes from offset 812 on are void
 *     file appendonly.aof.3.incr.aof seq 3 type i
 *     file cold seq 7 type t                               ours: the base relies on the cold tier in folder `cold`,
 *                                                          as of generation 7
 *
 * `end` is ours: after a failed datasync nobody knows what the disk holds from there on; the bytes were written
 * again in the next file. A line of type t makes Redis refuse the folder ("Unknown AOF file type"): it could
 * serve only a part of the data.
 */
import { type Files, writeFully } from "../../base/files.ts";
import { splitArguments } from "../../protocol/inline.ts";
import {
  BLOCKS_HEADER,
  MANIFEST_SUFFIX,
  manifestFileName,
  TEMPORARY_PREFIX,
  temporaryFileName,
} from "./format.ts";

/** A base or history file. */
export interface AofFile {
  readonly name: string;
  readonly sequence: number;
}

export interface IncrFile extends AofFile {
  /** Bytes from this offset on are void. */
  readonly end?: number;
}

/** The cold tier that the base file relies on. */
export interface TierReference {
  /** Folder of the tier, a plain name. */
  readonly folder: string;
  /** The cut to which the base belongs, from 1. */
  readonly generation: number;
}

export interface AofManifest {
  readonly base?: AofFile;
  readonly incr: readonly IncrFile[];
  readonly history: readonly AofFile[];
  readonly tier?: TierReference;
}

/**
 * Whether a file of so many bytes has lost what it held. Any may be empty in a set of Redis. But a set with a cold tier
 * is of tsredis alone, whose files begin with a line (RDBs with a header) that is on the disk before a manifest names
 * them.
 */
export function isEmptied(sizeBytes: number, hasTier: boolean): boolean {
  return hasTier && sizeBytes < BLOCKS_HEADER.length;
}

/** A manifest that cannot be accepted. `message` is Redis's text, where Redis has one. */
export class ManifestError extends Error {
  /** Number of the line, from 1, and its text without blanks around it; undefined when no single line is to blame. */
  readonly line: { readonly number: number; readonly text: string } | undefined;

  constructor(reason: string, line?: { number: number; text: string }) {
    super(reason);
    this.name = "ManifestError";
    this.line = line;
  }
}

const LINE_MAX_BYTES = 1024;
/** Redis does not look, and would execute the file's commands twice. */
const NAMED_TWICE = "Found the same file name twice";
const INVALID_FORMAT = "Invalid AOF manifest file format";

/** What one line says, before its type is looked at. */
interface ManifestLine {
  name: string;
  sequence: number;
  type: string;
  end: number | undefined;
}

/** Decodes a manifest. Throws ManifestError. */
export function parseManifest(bytes: Buffer): AofManifest {
  const builder = new ManifestBuilder();
  let position = 0;
  let number = 0;
  while (position < bytes.length) {
    // Redis reads pieces of at most 1024 bytes; what a longer comment leaves over counts as a line of its own.
    const newline = bytes.indexOf(0x0a, position);
    let end = newline === -1 ? bytes.length : newline + 1;
    if (end - position > LINE_MAX_BYTES) end = position + LINE_MAX_BYTES;
    const piece = bytes.subarray(position, end);
    position = end;
    number++;
    if (piece[0] === 0x23) continue;
    if (piece[piece.length - 1] !== 0x0a || piece.includes(0)) {
      throw new ManifestError("The AOF manifest file contains too long line");
    }
    const text = trimBlanks(piece.toString("latin1"));
    const reason = builder.add(text);
    if (reason !== undefined) throw new ManifestError(reason, { number, text });
  }
  if (number === 0) throw new ManifestError("Found an empty AOF manifest");
  return builder.manifest();
}

class ManifestBuilder {
  #base: AofFile | undefined;
  #tier: TierReference | undefined;
  readonly #incr: IncrFile[] = [];
  readonly #history: AofFile[] = [];
  #highestIncr = 0;

  /** Takes one line; returns the reason if it is not acceptable. */
  add(text: string): string | undefined {
    const line = parseLine(text);
    if (typeof line === "string") return line;
    const file: AofFile = { name: line.name, sequence: line.sequence };
    switch (line.type) {
      case "b":
        if (this.#base !== undefined) return "Found duplicate base file information";
        if (this.#isNamed(line.name)) return NAMED_TWICE;
        this.#base = file;
        return undefined;
      case "h":
        this.#history.push(file);
        return undefined;
      case "i":
        if (line.sequence <= this.#highestIncr) return "Found a non-monotonic sequence number";
        if (this.#isNamed(line.name)) return NAMED_TWICE;
        this.#highestIncr = line.sequence;
        this.#incr.push(line.end === undefined ? file : { ...file, end: line.end });
        return undefined;
      case "t":
        if (this.#tier !== undefined) return "Found duplicate cold tier information";
        if (line.sequence < 0) return INVALID_FORMAT;
        this.#tier = { folder: line.name, generation: line.sequence };
        return undefined;
      default:
        return "Unknown AOF file type";
    }
  }

  /** Whether the file is to be loaded already. */
  #isNamed(name: string): boolean {
    return this.#base?.name === name || this.#incr.some((file) => file.name === name);
  }

  manifest(): AofManifest {
    return {
      ...(this.#base === undefined ? {} : { base: this.#base }),
      incr: this.#incr,
      history: this.#history,
      ...(this.#tier === undefined ? {} : { tier: this.#tier }),
    };
  }
}

/** The pairs of one line; a reason (text) if they are not acceptable. */
function parseLine(text: string): ManifestLine | string {
  const words = text === "" ? undefined : splitArguments(Buffer.from(text, "latin1"));
  if (words === undefined || words.length < 6 || words.length % 2 !== 0) return INVALID_FORMAT;
  const line: ManifestLine = { name: "", sequence: 0, type: "", end: undefined };
  let hasName = false;
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1];
    switch (words[i].toString("latin1").toLowerCase()) {
      case "file":
        line.name = value.toString("utf8");
        hasName = true;
        if (/[/\\]/.test(line.name)) return "File can't be a path, just a filename";
        break;
      case "seq":
        line.sequence = leadingInteger(value.toString("latin1"));
        break;
      case "type":
        line.type = value.toString("latin1", 0, 1);
        break;
      case "end": {
        const digits = value.toString("latin1");
        if (!/^[0-9]{1,16}$/.test(digits)) return INVALID_FORMAT;
        line.end = Number(digits);
        break;
      }
      default:
        break;
    }
  }
  if (!hasName || line.sequence === 0 || line.type === "") return INVALID_FORMAT;
  return line;
}

/** What C's atoll makes of a text: the integer at its start, 0 if there is none. */
function leadingInteger(text: string): number {
  const match = /^[ \t\n\v\f\r]*([+-]?[0-9]+)/.exec(text);
  return match === null ? 0 : Number(match[1]);
}

function trimBlanks(text: string): string {
  return text.replace(/^[ \t\r\n]+/, "").replace(/[ \t\r\n]+$/, "");
}

/** Encodes a manifest: base, history, incr, tier. Throws ManifestError if a name makes a line too long to be read
 * again. */
export function formatManifest(manifest: AofManifest): Buffer {
  const lines: string[] = [];
  const add = (name: string, sequence: number, type: string, extra = ""): void => {
    const line = `file ${quoteName(name)} seq ${sequence} type ${type}${extra}\n`;
    if (line.length > LINE_MAX_BYTES) {
      throw new ManifestError(`The AOF manifest file cannot hold a name as long as '${name}'`);
    }
    lines.push(line);
  };
  if (manifest.base !== undefined) add(manifest.base.name, manifest.base.sequence, "b");
  for (const file of manifest.history) add(file.name, file.sequence, "h");
  for (const file of manifest.incr) {
    add(file.name, file.sequence, "i", file.end === undefined ? "" : ` end ${file.end}`);
  }
  if (manifest.tier !== undefined) add(manifest.tier.folder, manifest.tier.generation, "t");
  return Buffer.from(lines.join(""), "latin1");
}

const ESCAPES: Record<string, string> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x07": "\\a",
  "\b": "\\b",
};

/** A name as it stands in a line: as it is, or quoted if Redis's line splitter would not give it back. */
function quoteName(name: string): string {
  const bytes = Buffer.from(name, "utf8").toString("latin1");
  if (/^[!#-&(-[\]-~]+$/.test(bytes)) return bytes;
  let quoted = '"';
  for (const character of bytes) {
    const code = character.charCodeAt(0);
    const isPrintable = code >= 0x20 && code <= 0x7e;
    quoted += ESCAPES[character] ?? (isPrintable ? character : `\\x${code.toString(16).padStart(2, "0")}`);
  }
  return `${quoted}"`;
}

/** Reads and decodes a manifest file; undefined if it is not there. Throws ManifestError, or the system's error. */
export async function readManifest(files: Files, path: string): Promise<AofManifest | undefined> {
  if ((await files.stat(path)) === undefined) return undefined;
  return parseManifest(await files.readFile(path));
}

/**
 * The folders of cold tiers that manifests other than the one at `own` rely on, each with the path of such a manifest:
 * `appendfilename` or `appenddirname` was another one when they were written, and may be so again. `folder` is the data
 * directory. Throws ManifestError, or the system's error.
 */
export async function tiersOfOthers(files: Files, folder: string, own: string): Promise<Map<string, string>> {
  const tiers = new Map<string, string>();
  for (const name of await files.readdir(folder)) {
    for (const path of await manifestsIn(files, `${folder}/${name}`)) {
      if (path === own) continue;
      const tier = (await readOther(files, path))?.tier;
      if (tier !== undefined) tiers.set(tier.folder, path);
    }
  }
  return tiers;
}

/** Paths of the manifests in what may be a folder. */
async function manifestsIn(files: Files, path: string): Promise<string[]> {
  if ((await files.stat(path))?.isDirectory !== true) return [];
  try {
    const names = await files.readdir(path);
    return names
      .filter((name) => name.endsWith(MANIFEST_SUFFIX) && !name.startsWith(TEMPORARY_PREFIX))
      .map((name) => `${path}/${name}`);
  } catch (error) {
    // A folder of somebody else's ("lost+found").
    if ((error as NodeJS.ErrnoException).code === "EACCES") return [];
    throw error;
  }
}

async function readOther(files: Files, path: string): Promise<AofManifest | undefined> {
  try {
    return await readManifest(files, path);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw new ManifestError(
      `Whether ${path}, a manifest that this server does not use, relies on a cold tier cannot be read: ${error.message}`,
    );
  }
}

/**
 * Makes `manifest` the folder's manifest, durably. When this rejects, either the old or the new one is there,
 * and calling again is safe.
 */
export async function persistManifest(
  files: Files,
  folder: string,
  appendfilename: string,
  manifest: AofManifest,
): Promise<void> {
  const name = manifestFileName(appendfilename);
  const temporaryPath = `${folder}/${temporaryFileName(name)}`;
  const file = await files.open(temporaryPath, "create");
  try {
    await writeFully(file, formatManifest(manifest), 0);
    await file.datasync();
  } finally {
    await file.close();
  }
  await files.rename(temporaryPath, `${folder}/${name}`);
  await files.syncDirectory(folder);
}
