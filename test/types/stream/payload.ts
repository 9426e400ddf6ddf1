/**
 * Streams in RDB's form for tests: written from a description, right or wrong, without the code under test.
 */

export interface NodeDescription {
  readonly id: bigint;
  /** The elements of its listpack. */
  readonly elements: readonly (number | bigint | string)[];
}

export interface ConsumerDescription {
  readonly name: string;
  readonly seen?: bigint;
  readonly owned: readonly bigint[];
}

export interface GroupDescription {
  readonly name: string;
  readonly lastId?: bigint;
  readonly read?: bigint;
  readonly pending: readonly { readonly id: bigint; readonly time?: bigint; readonly count?: bigint }[];
  readonly consumers: readonly ConsumerDescription[];
}

export interface StreamDescription {
  readonly nodes: readonly NodeDescription[];
  readonly length: bigint;
  readonly lastId: bigint;
  readonly firstId?: bigint;
  readonly maxDeletedId?: bigint;
  readonly added?: bigint;
  readonly groups?: readonly GroupDescription[];
}

/** The value's bytes, in the form of type 15, 19 or 21. */
export function payloadOf(stream: StreamDescription, rdbType = 19): Buffer {
  const parts: Buffer[] = [length(BigInt(stream.nodes.length))];
  for (const node of stream.nodes) parts.push(string(rawId(node.id)), string(listpackOf(node.elements)));
  parts.push(length(stream.length), lengthsId(stream.lastId));
  if (rdbType !== 15) {
    parts.push(lengthsId(stream.firstId ?? 0n), lengthsId(stream.maxDeletedId ?? 0n));
    parts.push(length(stream.added ?? stream.length));
  }
  const groups = stream.groups ?? [];
  parts.push(length(BigInt(groups.length)));
  for (const group of groups) {
    parts.push(string(Buffer.from(group.name)), lengthsId(group.lastId ?? 0n));
    if (rdbType !== 15) parts.push(length(group.read ?? 0n));
    parts.push(length(BigInt(group.pending.length)));
    for (const { id, time, count } of group.pending)
      parts.push(rawId(id), int64(time ?? 1n), length(count ?? 1n));
    parts.push(length(BigInt(group.consumers.length)));
    for (const { name, seen, owned } of group.consumers) {
      parts.push(string(Buffer.from(name)), int64(seen ?? 5n));
      if (rdbType === 21) parts.push(int64(6n));
      parts.push(length(BigInt(owned.length)), ...owned.map(rawId));
    }
  }
  return Buffer.concat(parts);
}

/** A listpack of these elements; texts are written as texts even if they are integers. */
export function listpackOf(elements: readonly (number | bigint | string)[]): Buffer {
  const body = Buffer.concat(elements.map(element));
  const header = Buffer.alloc(6);
  header.writeUInt32LE(body.length + 7, 0);
  header.writeUInt16LE(elements.length, 4);
  return Buffer.concat([header, body, Buffer.of(0xff)]);
}

function element(value: number | bigint | string): Buffer {
  let bytes: Buffer;
  if (typeof value === "string") bytes = Buffer.concat([Buffer.of(0x80 | value.length), Buffer.from(value)]);
  else if (value >= 0 && value < 128) bytes = Buffer.of(Number(value));
  else bytes = Buffer.concat([Buffer.of(0xf4), int64(BigInt(value))]);
  return Buffer.concat([bytes, Buffer.of(bytes.length)]);
}

function rawId(id: bigint): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(id >> 64n, 0);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, id), 8);
  return bytes;
}

function lengthsId(id: bigint): Buffer {
  return Buffer.concat([length(id >> 64n), length(BigInt.asUintN(64, id))]);
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

/** As Redis writes it: in as few bytes as there are. */
function length(value: bigint): Buffer {
  const number = Number(value);
  if (value < 64n) return Buffer.of(number);
  if (value < 16384n) return Buffer.of(0x40 | (number >> 8), number & 0xff);
  const bytes = Buffer.alloc(value < 2n ** 32n ? 5 : 9);
  if (value < 2n ** 32n) {
    bytes[0] = 0x80;
    bytes.writeUInt32BE(number, 1);
  } else {
    bytes[0] = 0x81;
    bytes.writeBigUInt64BE(value, 1);
  }
  return bytes;
}

function string(bytes: Buffer): Buffer {
  return Buffer.concat([length(BigInt(bytes.length)), bytes]);
}
