/**
 * The scripts that the server knows, by SHA1, and by their text, so that EVAL need not compute a SHA1.
 */
import { createHash } from "node:crypto";
import type { ScriptFlag } from "./shebang.ts";

export interface Script {
  /** 40 hexadecimal digits. */
  readonly sha: string;
  readonly source: Buffer;
  /** Undefined if it has none: then it may do what its command may. */
  readonly flags: ReadonlySet<ScriptFlag> | undefined;
  /** Bytes of the source before what is to be compiled. */
  readonly skipped: number;
  /** Of the compiled script in the VM; undefined after the VM was lost. */
  reference: number | undefined;
}

/** Bytes at both ends of a source by which it is looked for. */
const SAMPLE_BYTES = 24;
/** What a script costs besides its source. */
const SCRIPT_BYTES = 512;

export class ScriptCache {
  /** Memory of all sources. */
  bytes = 0;
  private readonly bySha = new Map<string, Script>();
  private readonly bySample = new Map<number, Script[]>();

  get size(): number {
    return this.bySha.size;
  }

  /** By the 40 digits at `start`, in any case. */
  findSha(buf: Buffer, start: number): Script | undefined {
    const sha = buf.toString("latin1", start, start + 40);
    return this.bySha.get(sha) ?? this.bySha.get(sha.toLowerCase());
  }

  findSource(buf: Buffer, start: number, length: number): Script | undefined {
    const candidates = this.bySample.get(sampleOf(buf, start, length));
    if (candidates === undefined) return undefined;
    for (const script of candidates) {
      const { source } = script;
      if (source.length === length && buf.compare(source, 0, length, start, start + length) === 0)
        return script;
    }
    return undefined;
  }

  add(script: Script): void {
    const { source } = script;
    this.bySha.set(script.sha, script);
    const sample = sampleOf(source, 0, source.length);
    const same = this.bySample.get(sample);
    if (same === undefined) this.bySample.set(sample, [script]);
    else same.push(script);
    this.bytes += source.length + SCRIPT_BYTES;
  }

  clear(): void {
    this.bySha.clear();
    this.bySample.clear();
    this.bytes = 0;
  }

  /** The VM is lost, with all that was compiled. */
  forgetCompiled(): void {
    for (const script of this.bySha.values()) script.reference = undefined;
  }
}

export function shaOf(source: Uint8Array): string {
  return createHash("sha1").update(source).digest("hex");
}

function sampleOf(buf: Buffer, start: number, length: number): number {
  let hash = length;
  const end = start + length;
  const headEnd = Math.min(end, start + SAMPLE_BYTES);
  for (let i = start; i < headEnd; i++) hash = (Math.imul(hash, 31) + buf[i]) | 0;
  for (let i = Math.max(headEnd, end - SAMPLE_BYTES); i < end; i++) hash = (Math.imul(hash, 31) + buf[i]) | 0;
  return hash;
}
