/**
 * Elements of lists as replies, copied from the list's memory right into the reply.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { HEAD, type ListReader, TAIL } from "../../types/list/list-reader.ts";
import { ElementView } from "../../types/listpack/element-view.ts";
import { INTEGER_13, STRING_6, STRING_12 } from "../../types/listpack/encoding.ts";
import { listpackBytes, previousElement } from "../../types/listpack/listpack.ts";

/** The most that an element takes in a reply beyond its bytes in a listpack: "$20", two line ends, 20 digits. */
const REPLY_OVERHEAD_BYTES = 27;
/** Strings up to so many bytes are copied by a plain loop. */
const LOOP_BYTES = 8;
const TWO_DIGITS = 99;

const BULK = 0x24;
const ZERO = 0x30;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

const view = new ElementView();

/** Answers the present element. */
export function replyElement(reply: ReplyWriter, list: ListReader): Outcome {
  view.read(list.buffer, list.start, list.at);
  return reply.bulkRange(view.buffer, view.start, view.length);
}

/** Answers `count` elements, which must be there, as an array: from index `first` on. */
export function replyForward(reply: ReplyWriter, list: ListReader, first: number, count: number): Outcome {
  reply.array(count);
  list.seek(first);
  for (let left = count; left > 0; list.nextChunk()) {
    const here = Math.min(left, list.elements - list.within);
    replyRun(reply, list, here);
    left -= here;
  }
  return DONE;
}

/** Answers the last `count` elements, which must be there, as an array: the last one first. */
export function replyBackward(reply: ReplyWriter, list: ListReader, count: number): Outcome {
  reply.array(count);
  list.seekEnd(TAIL);
  for (let left = count; left > 0; list.previousChunk()) {
    const { buffer, start } = list;
    for (let at = list.at; at !== -1 && left > 0; at = previousElement(buffer, start, at)) {
      view.read(buffer, start, at);
      reply.bulkRange(view.buffer, view.start, view.length);
      left--;
    }
  }
  return DONE;
}

/** Answers `count` elements of one end, which must be there: the outermost first. */
export function replyFromEnd(reply: ReplyWriter, list: ListReader, end: number, count: number): Outcome {
  return end === HEAD ? replyForward(reply, list, 0, count) : replyBackward(reply, list, count);
}

/** Answers `count` elements from the present one on, all in the present chunk. Strings of up to 99 bytes, of which
 * most lists consist, are written here. */
function replyRun(reply: ReplyWriter, list: ListReader, count: number): void {
  const { buffer, start } = list;
  reply.reserve(listpackBytes(buffer, start) + count * REPLY_OVERHEAD_BYTES);
  const target = reply.buf;
  let position = start + list.at;
  let to = reply.end;
  for (let left = count; left > 0; left--) {
    const head = buffer[position];
    let length = head & 0x3f;
    let headBytes = 1;
    if (head === STRING_12) {
      length = buffer[position + 1];
      headBytes = 2;
    }
    if (head < STRING_6 || (head >= INTEGER_13 && head !== STRING_12) || length > TWO_DIGITS) {
      view.read(buffer, start, position - start);
      reply.end = to;
      reply.bulkRange(view.buffer, view.start, view.length);
      to = reply.end;
      position = start + view.end;
      continue;
    }
    target[to++] = BULK;
    if (length > 9) target[to++] = ZERO + ((length * 205) >> 11);
    target[to++] = ZERO + (length % 10);
    target[to++] = CARRIAGE_RETURN;
    target[to++] = LINE_FEED;
    position += headBytes;
    if (length > LOOP_BYTES) copyBytes(buffer, position, target, to, length);
    else for (let i = 0; i < length; i++) target[to + i] = buffer[position + i];
    to += length;
    target[to++] = CARRIAGE_RETURN;
    target[to++] = LINE_FEED;
    // Behind it comes one byte with its length.
    position += length + 1;
  }
  reply.end = to;
}
