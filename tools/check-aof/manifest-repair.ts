/**
 * Makes a manifest out of what is there: the lines of a damaged one that can be read, the files in the folder, and what
 * their names say. Guesses nothing that could repeat commands: if it is not clear which base file counts, it says so
 * and leaves the decision to the user.
 */
import fs from "node:fs/promises";
import type { FileHandle, Files } from "../../src/base/files.ts";
import { MANIFEST_SUFFIX, parseFileName } from "../../src/persistence/aof/format.ts";
import {
  type AofFile,
  type AofManifest,
  type IncrFile,
  ManifestError,
  parseManifest,
  type TierReference,
} from "../../src/persistence/aof/manifest.ts";
import { AUX_TIER } from "../../src/persistence/rdb/format.ts";
import { RdbError, RdbReader } from "../../src/persistence/rdb/reader.ts";
import { asBytes } from "../shared/texts.ts";

export interface RepairedManifest {
  readonly manifest: AofManifest;
  /** What was wrong and what became of it; empty if the manifest is as it should be. */
  readonly notes: readonly string[];
  /** What is worth a look, and nothing is done about. */
  readonly remarks: readonly string[];
  /** Files that the manifest names and that are not there. */
  readonly missing: readonly { readonly name: string; readonly role: "base" | "incr" }[];
  /** Why no manifest can be made. */
  readonly refusal: string | undefined;
}

const RDB_SUFFIX = ".rdb";
/** Folders that a tsredis-server keeps its cold tier in. */
const TIER_FOLDERS = ["cold-tier", "cold-tier-2"];

const TIER_LINE_LOST = "The line of the cold tier, on which the base file relies, is lost";

interface Found {
  base: AofFile[];
  incr: IncrFile[];
  history: AofFile[];
  tier: TierReference | undefined;
}

/** Repairs the manifest `name` of a folder, in memory. */
export async function repairManifest(files: Files, folder: string, name: string): Promise<RepairedManifest> {
  const notes: string[] = [];
  const remarks: string[] = [];
  const found: Found = { base: [], incr: [], history: [], tier: undefined };
  const prefix = name.slice(0, -MANIFEST_SUFFIX.length);
  const isReadable = await readLines(files, `${folder}/${name}`, found, notes);
  const isWhole = isReadable && !(await lacksBase(files, folder, prefix, found, notes));
  await correctNames(files, folder, prefix, found, notes);
  if (!isWhole) await addUnlisted(files, folder, prefix, found, notes);
  const missing = await removeMissing(files, folder, found);
  for (const { name: each } of missing) notes.push(`File ${asBytes(each)} is missing: what it held is lost`);
  const refusal = chooseBase(found, remarks) ?? lostBaseOfTier(found);
  if (refusal !== undefined) return { manifest: emptyManifest(), notes, remarks, missing, refusal };
  if (found.tier === undefined && found.base.length === 1) {
    const problem = await findTier(files, folder, found, isWhole);
    if (isWhole && found.tier !== undefined) notes.push(TIER_LINE_LOST);
    if (problem !== undefined)
      return { manifest: emptyManifest(), notes, remarks, missing, refusal: problem };
  }
  if (found.tier !== undefined) found.tier = await correctTier(files, folder, found, found.tier, notes);
  if (found.base.length === 0 && found.incr.length === 0)
    return {
      manifest: emptyManifest(),
      notes,
      remarks,
      missing,
      refusal: "There is no AOF file in the folder",
    };
  return { manifest: manifestOf(found), notes, remarks, missing, refusal: undefined };
}

function emptyManifest(): AofManifest {
  return { incr: [], history: [] };
}

function manifestOf({ base, incr, history, tier }: Found): AofManifest {
  return {
    ...(base.length === 0 ? {} : { base: base[0] }),
    incr,
    history,
    ...(tier === undefined ? {} : { tier }),
  };
}

/** Takes what can be read of the manifest; false if that is not all. */
async function readLines(files: Files, path: string, found: Found, notes: string[]): Promise<boolean> {
  if ((await files.stat(path)) === undefined) {
    notes.push("The manifest is missing");
    return false;
  }
  const bytes = await files.readFile(path);
  try {
    merge(parseManifest(bytes), found);
    return true;
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    const where = error.line === undefined ? "" : `, at line ${error.line.number}`;
    notes.push(`The manifest is damaged${where}: ${error.message}`);
  }
  const seen = new Set<string>();
  for (const line of bytes.toString("latin1").split("\n")) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    if (seen.has(text)) {
      notes.push(`A line of the manifest stands there twice: ${text}`);
      continue;
    }
    seen.add(text);
    try {
      merge(parseManifest(Buffer.from(`${line}\n`, "latin1")), found);
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
    }
  }
  return false;
}

function allFiles({ base, incr, history }: Found): readonly AofFile[] {
  return [...base, ...incr, ...history];
}

function merge(one: AofManifest, found: Found): void {
  const isKnown = (file: AofFile): boolean =>
    allFiles(found).some(({ name, sequence }) => name === file.name && sequence === file.sequence);
  if (one.base !== undefined && !isKnown(one.base)) found.base.push(one.base);
  for (const file of one.incr) if (!isKnown(file)) found.incr.push(file);
  for (const file of one.history) if (!isKnown(file)) found.history.push(file);
  found.tier ??= one.tier;
  found.incr.sort((a, b) => a.sequence - b.sequence);
}

/**
 * A line whose file is missing, or stands in another line too, under a name that the server does not give for its
 * number: a letter of the name is damaged. It is taken for the file that has the number and the role of the line and
 * that no line names; if there are several (two base files), all are found, and the user decides.
 */
async function correctNames(
  files: Files,
  folder: string,
  prefix: string,
  found: Found,
  notes: string[],
): Promise<void> {
  const present = new Set(await files.readdir(folder));
  const listed = new Set(allFiles(found).map(({ name }) => name));
  const correct = <T extends AofFile>(list: readonly T[], isIncr: boolean): T[] => {
    const fits = (name: string, sequence: number): boolean => {
      const said = parseFileName(name);
      return said?.appendfilename === prefix && said.sequence === sequence && said.isIncr === isIncr;
    };
    const taken = new Set(list.filter((file) => fits(file.name, file.sequence)).map(({ name }) => name));
    return list.flatMap((file) => {
      const { name, sequence } = file;
      if (fits(name, sequence)) return [file];
      if (present.has(name) && !taken.has(name)) {
        taken.add(name);
        return [file];
      }
      const names = [...present].filter((each) => fits(each, sequence) && !listed.has(each));
      for (const each of names) {
        listed.add(each);
        notes.push(`Instead of ${asBytes(name)}, file ${asBytes(each)} is taken in by the line's number`);
      }
      if (names.length > 0) return names.map((each) => ({ ...file, name: each }));
      if (!taken.has(name)) return [file];
      notes.push(`File ${asBytes(name)} has another line as well, and none has the number ${sequence}`);
      return [];
    });
  };
  found.base = correct(found.base, false);
  found.incr = correct(found.incr, true);
}

/** Adds the files in the folder that bear the names of this log and that no line could be read of. */
async function addUnlisted(
  files: Files,
  folder: string,
  prefix: string,
  found: Found,
  notes: string[],
): Promise<void> {
  const listed = new Set(allFiles(found).map(({ name }) => name));
  for (const name of (await files.readdir(folder)).sort()) {
    const said = parseFileName(name);
    if (said?.appendfilename !== prefix || listed.has(name)) continue;
    const file = { name, sequence: said.sequence };
    if (said.isIncr) found.incr.push(file);
    else found.base.push(file);
    notes.push(`File ${asBytes(name)} is taken in by its name`);
  }
  found.incr.sort((a, b) => a.sequence - b.sequence);
  await leaveOutOldIncr(files, folder, listed, found, notes);
}

/** Incr files that were last written before the base file was begun belong to an earlier one. */
async function leaveOutOldIncr(
  files: Files,
  folder: string,
  listed: ReadonlySet<string>,
  found: Found,
  notes: string[],
): Promise<void> {
  if (found.base.length !== 1) return;
  const { text } = await readAux(files, `${folder}/${found.base[0].name}`, "ctime");
  const begun = Number(text);
  if (!(begun > 0)) return;
  const kept: IncrFile[] = [];
  for (const file of found.incr) {
    const written = await fs.stat(`${folder}/${file.name}`).catch(() => undefined);
    const isOld = !listed.has(file.name) && written !== undefined && written.mtimeMs < begun * 1000;
    if (isOld) notes.push(`File ${asBytes(file.name)} is older than the base file: it is left out`);
    else kept.push(file);
  }
  found.incr = kept;
}

async function removeMissing(
  files: Files,
  folder: string,
  found: Found,
): Promise<{ name: string; role: "base" | "incr" }[]> {
  const missing: { name: string; role: "base" | "incr" }[] = [];
  const present = async <T extends AofFile>(list: readonly T[], role: "base" | "incr"): Promise<T[]> => {
    const there: T[] = [];
    for (const file of list) {
      if ((await files.stat(`${folder}/${file.name}`)) !== undefined) there.push(file);
      else missing.push({ name: file.name, role });
    }
    return there;
  };
  found.base = await present(found.base, "base");
  found.incr = await present(found.incr, "incr");
  return missing;
}

function chooseBase(found: Found, remarks: string[]): string | undefined {
  if (found.base.length > 1) {
    const names = found.base.map(({ name }) => asBytes(name)).join(", ");
    return (
      `There are several base files (${names}), and the manifest does not say which one counts. ` +
      "Move those away that are not wanted, with the incr files that belong to them, and run this again"
    );
  }
  const sequences = new Set<number>();
  for (const { name, sequence } of found.incr) {
    if (sequences.has(sequence))
      return `Two incr files have the number ${sequence}; one of them is ${asBytes(name)}`;
    sequences.add(sequence);
  }
  let previous = 0;
  for (const { sequence } of found.incr) {
    if (previous > 0 && sequence > previous + 1)
      remarks.push(`There is no incr file between the numbers ${previous} and ${sequence}: one may be lost`);
    previous = sequence;
  }
  return undefined;
}

/** Without its base file nobody knows which records of the tier count, nor for which database. */
function lostBaseOfTier({ base, tier }: Found): string | undefined {
  if (tier === undefined || base.length > 0) return undefined;
  return (
    `The base file is missing, and with it what the cold tier ${asBytes(tier.folder)} cannot be read without. ` +
    "Restore the data directory from a backup"
  );
}

/** Whether the line of the base file alone is lost. */
async function lacksBase(
  files: Files,
  folder: string,
  prefix: string,
  { base, incr, tier }: Found,
  notes: string[],
): Promise<boolean> {
  if (base.length > 0 || (incr.length === 0 && tier === undefined)) return false;
  if ((await laterBaseIn(files, folder, prefix, incr)) === undefined) return false;
  notes.push("The line of the base file is lost");
  return true;
}

/** A base file in the folder that no first rewrite has made: a manifest that names none, but these incr files, has lost
 * its line, as a server finds too (AofDirectory.refuseLostManifest). */
export async function laterBaseIn(
  files: Files,
  folder: string,
  prefix: string,
  incr: readonly IncrFile[],
): Promise<string | undefined> {
  if (incr.at(0)?.sequence === 1) return undefined;
  return (await files.readdir(folder)).find((name) => {
    const said = parseFileName(name);
    return said?.appendfilename === prefix && !said.isIncr && said.sequence > 1;
  });
}

/** A base file that relies on a cold tier says so; its line in the manifest is made anew. */
async function findTier(
  files: Files,
  folder: string,
  found: Found,
  isWhole: boolean,
): Promise<string | undefined> {
  // One of commands never does.
  if (!found.base[0].name.endsWith(RDB_SUFFIX)) return undefined;
  const present: string[] = [];
  for (const name of TIER_FOLDERS)
    if ((await files.stat(`${folder}/../${name}`)) !== undefined) present.push(name);
  const { isReadable, text } = await readAux(files, `${folder}/${found.base[0].name}`, AUX_TIER);
  if (!isReadable && isWhole) return undefined;
  if (!isReadable && present.length > 0) {
    return (
      "The manifest is damaged, and so is the beginning of the base file: nothing says whether it relies on the " +
      `cold tier that is there (${present.join(", ")}). If it does not, move that away, and run this again`
    );
  }
  if (text === undefined) return undefined;
  const said = checkpointIn(text);
  if (said === undefined)
    return "The base file relies on a cold tier, but what it says about it cannot be read";
  const { generation, records } = said;
  if (records === 0) return undefined;
  if (present.length !== 1) {
    return (
      "The base file relies on a cold tier, and the manifest that named its folder is lost: " +
      `${present.length === 0 ? "neither" : "each"} of ${TIER_FOLDERS.join(" and ")} is there`
    );
  }
  found.tier = { folder: present[0], generation };
  return undefined;
}

/** Puts a line of a cold tier right whose number or folder is damaged: the base file has the number, too, and the
 * folder has one of two names. */
async function correctTier(
  files: Files,
  folder: string,
  { base }: Found,
  tier: TierReference,
  notes: string[],
): Promise<TierReference> {
  let corrected = tier;
  const { text } = await readAux(files, `${folder}/${base[0].name}`, AUX_TIER);
  const generation = text === undefined ? undefined : checkpointIn(text)?.generation;
  if (generation !== undefined && generation !== tier.generation) {
    notes.push(
      `Generation ${generation} of the cold tier, as the base file says, instead of ${tier.generation}`,
    );
    corrected = { ...corrected, generation };
  }
  const present: string[] = [];
  for (const name of TIER_FOLDERS)
    if ((await files.stat(`${folder}/../${name}`)) !== undefined) present.push(name);
  if (present.length === 1 && (await files.stat(`${folder}/../${tier.folder}`)) === undefined) {
    notes.push(`Instead of the folder ${asBytes(tier.folder)}, ${present[0]} is taken for the cold tier`);
    corrected = { ...corrected, folder: present[0] };
  }
  return corrected;
}

/** What a base file says of its checkpoint; undefined if that cannot be read. */
function checkpointIn(text: string): { readonly generation: number; readonly records: number } | undefined {
  try {
    const { tier } = JSON.parse(text) as { tier: { generation: number; counts: [number, number][] } };
    return { generation: tier.generation, records: tier.counts.reduce((sum, [, count]) => sum + count, 0) };
  } catch {
    return undefined;
  }
}

/** An AUX field of the RDB that a file begins with; no text if there is none. `isReadable`: nothing before the first
 * entry is damaged. */
async function readAux(
  files: Files,
  path: string,
  name: string,
): Promise<{ readonly isReadable: boolean; readonly text?: string }> {
  let file: FileHandle;
  try {
    file = await files.open(path, "read");
  } catch {
    return { isReadable: false };
  }
  try {
    const reader = await RdbReader.open(file, {
      privateOpcodes: true,
      verifyChecksum: false,
      otherTypes: "skip",
    });
    for await (const record of reader) {
      if (record.kind === "aux" && record.key.toString("latin1") === name)
        return { isReadable: true, text: record.value.toString("latin1") };
      if (record.kind === "entry" || record.kind === "end") return { isReadable: true };
    }
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
  } finally {
    await file.close();
  }
  return { isReadable: false };
}
