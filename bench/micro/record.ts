/**
 * The codec of cold records: checksum, header and LZ4, for values that compress and values that do not.
 */
import { SeededRandom } from "../../src/base/random.ts";
import { recordKey } from "../../src/cold/keys.ts";
import { decodeRecord, encodeRecord } from "../../src/cold/record.ts";
import { consume, type MicroTask } from "./task.ts";

const RECORDS = 100;
const REF = { namespace: 1, hash: 0x1234_5678, key: Buffer.from("key:000000000042") };
const RECORD_KEY = recordKey(REF);
const GENERATION = 3;
const STRING_TYPE = 0;
const SENTENCE = "The quick brown fox jumps over the lazy dog, again and again. ";

export const recordTasks: readonly MicroTask[] = [
  ...tasks("100 B, text", text(100)),
  ...tasks("100 B, random", new SeededRandom(3).bytes(100)),
  ...tasks("1 KB, text", text(1024)),
  ...tasks("1 KB, random", new SeededRandom(4).bytes(1024)),
];

function text(lengthBytes: number): Buffer {
  return Buffer.from(SENTENCE.repeat(Math.ceil(lengthBytes / SENTENCE.length)).slice(0, lengthBytes));
}

function tasks(what: string, payload: Buffer): MicroTask[] {
  const record = { type: STRING_TYPE, lru: 5, expireMs: 0, payload };
  const encoded = encodeRecord(RECORD_KEY, REF, record, GENERATION, true);
  return [
    {
      name: `record: encode ${what}`,
      operations: RECORDS,
      run() {
        for (let i = 0; i < RECORDS; i++) {
          const value = encodeRecord(RECORD_KEY, REF, record, GENERATION, true);
          consume(value.length + value[value.length - 1]);
        }
        return undefined;
      },
    },
    {
      name: `record: decode ${what}`,
      operations: RECORDS,
      run() {
        for (let i = 0; i < RECORDS; i++) {
          const decoded = decodeRecord(RECORD_KEY, encoded);
          consume(decoded.payload.length + decoded.payload[0]);
        }
        return undefined;
      },
    },
  ];
}
