/**
 * Glob patterns, compared with a slow matcher that follows the definition word by word.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { globMatch, globMatchRange } from "../../src/base/glob.ts";

function match(pattern: string, text: string, ignoreCase = false): boolean {
  const bytes = Buffer.from(pattern, "latin1");
  const result = globMatch(bytes, Buffer.from(text, "latin1"), ignoreCase);
  // The same within other bytes, which must not count.
  const within = Buffer.from(`*${text}${text}?`, "latin1");
  expect(globMatchRange(bytes, within, 1, text.length, ignoreCase)).toBe(result);
  return result;
}

describe("globMatch", () => {
  it.each([
    ["", "", true],
    ["*", "", false],
    ["", "a", false],
    ["*", "a", true],
    ["**", "abc", true],
    ["a*", "a", true],
    ["a***", "a", true],
    ["*a", "bca", true],
    ["*a", "bcab", false],
    ["a*b*c", "aXXbYYc", true],
    ["a*b*c", "aXXcYYb", false],
    ["*ab", "aab", true],
    ["?", "a", true],
    ["?", "ab", false],
    ["a?c", "abc", true],
    ["[abc]x", "bx", true],
    ["[abc]x", "dx", false],
    ["[^abc]", "d", true],
    ["[^abc]", "a", false],
    ["[a-c]", "b", true],
    ["[c-a]", "b", true],
    ["[a-c]", "d", false],
    // A range takes the bracket: ']' to 'a', in a class that is never closed.
    ["[a-]", "-", false],
    ["[a-]", "^", true],
    ["[\\]]", "]", true],
    ["[]", "a", false],
    ["[", "[", false],
    ["[^", "x", true],
    ["[a", "a", true],
    ["[a", "b", false],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["\\", "\\", true],
    ["a\\", "a\\", true],
    ["h[^e]llo", "hallo", true],
    ["h[^e]llo", "hello", false],
    // Bytes are signed in a range: 0xff is below "a", so a-0xff holds what lies between them that way round.
    ["[a-\xff]", "b", false],
    ["[a-\xff]", "A", true],
    ["[\x80-\xff]", "\xc3", true],
  ])("%j on %j is %s", (pattern, text, expected) => {
    expect(match(pattern, text)).toBe(expected);
  });

  it.each([
    ["MAX*", "maxmemory", true],
    ["[A-C]x", "bX", true],
    ["[m]", "M", true],
    ["[\\m]", "M", false],
    ["\\m", "M", true],
    ["é", "É", false],
  ])("%j on %j is %s when case is ignored", (pattern, text, expected) => {
    expect(match(pattern, text, true)).toBe(expected);
  });

  it("agrees with a plain recursive matcher on patterns of stars, question marks and letters", () => {
    const texts = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 10 });
    const patterns = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    fc.assert(
      fc.property(patterns, texts, (pattern, text) => {
        expect(match(pattern, text)).toBe(simpleMatch(pattern, text));
      }),
      { numRuns: 2000 },
    );
  });

  it("matches a text against itself escaped, and never reads past the ends", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
        fc.uint8Array({ maxLength: 20 }),
        (text, pattern) => {
          const escaped = Buffer.from([...text].flatMap((byte) => [0x5c, byte]));
          expect(globMatch(escaped, text)).toBe(true);
          expect(typeof globMatch(pattern, text)).toBe("boolean");
        },
      ),
    );
  });

  it("answers a pattern of many stars without trying every combination", () => {
    // Trying them would take longer than the age of the universe: finishing is the assertion.
    expect(match(`${"*a".repeat(200)}b`, "a".repeat(2000))).toBe(false);
    expect(match("*a".repeat(100_000), "a".repeat(100_000))).toBe(true);
  });
});

/** The definition, as short as possible: exponential, for small inputs. */
function simpleMatch(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern.startsWith("*")) {
    return simpleMatch(pattern.slice(1), text) || (text !== "" && simpleMatch(pattern, text.slice(1)));
  }
  if (text === "" || (pattern[0] !== "?" && pattern[0] !== text[0])) return false;
  return simpleMatch(pattern.slice(1), text.slice(1));
}
