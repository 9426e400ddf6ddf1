/**
 * What COMMAND DOCS tells of commands besides what their declarations say: arguments, history, and what replaced them.
 * It is for people and programs that help them type; nothing else here depends on it.
 *
 * Arguments are written in a small language. They stand in their order, separated by blanks:
 *
 *   name:type          a value; types are Redis's: string, integer, double, key, pattern, unix-time
 *   name='WORD'        the word itself
 *   name:(...)         several arguments, all of them
 *   name:{...}         one of several
 *   'WORD' name:type   a word, and behind it the value; so with ( and {
 *
 * and behind any of them, in this order: `@0` it is the key of that key specification; `?` it may be missing; `*` there
 * may be several; `+` each with its word; `>6.2.0` since that version; `<6.2.0` deprecated since.
 */

export interface Documentation {
  /** In the language above; absent if it takes none. */
  readonly arguments?: string;
  /** Versions of Redis, and what changed with them. */
  readonly history?: readonly (readonly [since: string, change: string])[];
  readonly flags?: readonly ("deprecated" | "syscmd")[];
  readonly deprecatedSince?: string;
  readonly replacedBy?: string;
}

/** By full names ("client|list"). */
export type DocumentationTable = Readonly<Record<string, Documentation>>;

/** An argument as COMMAND DOCS shows it. */
export interface ArgumentFacts {
  readonly name: string;
  readonly type: string;
  readonly keySpec: number | undefined;
  readonly token: string | undefined;
  readonly since: string | undefined;
  readonly deprecatedSince: string | undefined;
  readonly flags: readonly string[];
  /** Of a block, or of one of several. */
  readonly parts: readonly ArgumentFacts[] | undefined;
}

const WORD = /'([^']*)'/y;
/** A colon may be in it, if there is another one behind. */
const NAME = /[^\s:='(){}]+(?::[^\s:='(){}]+(?=:))?/y;
const TYPE = /[a-z-]+/y;
const SUFFIXES = /(?:@(\d+))?(\??)(\*?)(\+?)(?:>([\d.]+))?(?:<([\d.]+))?/y;

/** Reads arguments. Throws on a mistake in our own text. */
export function parseArguments(text: string): ArgumentFacts[] {
  const reader = new Reader(text);
  const all = reader.list("");
  reader.expectEnd();
  return all;
}

class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Arguments up to the closing sign, which is passed. */
  list(close: string): ArgumentFacts[] {
    const all: ArgumentFacts[] = [];
    for (;;) {
      while (this.text[this.at] === " ") this.at++;
      if (this.at === this.text.length || this.text[this.at] === close) break;
      all.push(this.one());
    }
    if (close !== "") this.expect(close);
    return all;
  }

  expectEnd(): void {
    if (this.at !== this.text.length) this.fail();
  }

  private one(): ArgumentFacts {
    let token = this.take(WORD)?.[1];
    if (token !== undefined) this.expect(" ");
    const name = (this.take(NAME) ?? this.fail())[0];
    let type: string;
    let parts: ArgumentFacts[] | undefined;
    if (this.skip("=")) {
      token = (this.take(WORD) ?? this.fail())[1];
      type = "pure-token";
    } else {
      this.expect(":");
      if (this.skip("(")) {
        type = "block";
        parts = this.list(")");
      } else if (this.skip("{")) {
        type = "oneof";
        parts = this.list("}");
      } else {
        type = (this.take(TYPE) ?? this.fail())[0];
      }
    }
    const [, keySpec, optional, multiple, multipleToken, since, deprecatedSince] = this.take(SUFFIXES)!;
    const flags = [
      ...(optional === "" ? [] : ["optional"]),
      ...(multiple === "" ? [] : ["multiple"]),
      ...(multipleToken === "" ? [] : ["multiple_token"]),
    ];
    return {
      name,
      type,
      keySpec: keySpec === undefined ? undefined : Number(keySpec),
      token,
      since,
      deprecatedSince,
      flags,
      parts,
    };
  }

  private take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found;
  }

  private skip(sign: string): boolean {
    if (this.text[this.at] !== sign) return false;
    this.at++;
    return true;
  }

  private expect(sign: string): void {
    if (!this.skip(sign)) this.fail();
  }

  private fail(): never {
    throw new Error(`documentation of arguments, at ${this.at}: ${this.text}`);
  }
}
