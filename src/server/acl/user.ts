/**
 * A user: how clients authenticate as it, and what it may do. Rules change it (rules.ts); clients refer to it, so it
 * stays the same object as long as there is a user of its name.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { ClientUser } from "../../commands/access.ts";
import type { Selector } from "./selector.ts";

export class User implements ClientUser {
  readonly name: string;
  /** Whether clients can authenticate as it. Those that have, stay. */
  isEnabled = false;
  /** Any password is right. */
  hasNoPassword = false;
  /** Of RESTORE: whether payloads are checked with care; undefined as long as no rule has said so. */
  sanitizesPayloads: boolean | undefined;
  /** SHA-256 in hexadecimal digits. */
  passwords: string[] = [];
  /** The permissions of the user itself, and what was added in parentheses. */
  root: Selector;
  selectors: Selector[] = [];

  constructor(name: string, root: Selector) {
    this.name = name;
    this.root = root;
  }

  /** Whether a new client is this user without more ado, if it is the default user. */
  get isOpen(): boolean {
    return this.hasNoPassword && this.isEnabled;
  }

  /** Whether nothing needs to be checked of what it does. */
  get allowsAll(): boolean {
    return this.root.allowsAll || this.selectors.some((selector) => selector.allowsAll);
  }

  /** Flags as ACL LIST and GETUSER name them. */
  get flags(): string[] {
    const flags = [this.isEnabled ? "on" : "off"];
    if (this.hasNoPassword) flags.push("nopass");
    if (this.sanitizesPayloads === false) flags.push("skip-sanitize-payload");
    if (this.sanitizesPayloads === true) flags.push("sanitize-payload");
    return flags;
  }

  /** Whether one can authenticate with the password. Takes the same time wherever the first difference is. */
  accepts(password: Buffer): boolean {
    if (!this.isEnabled) return false;
    if (this.hasNoPassword) return true;
    const digest = createHash("sha256").update(password).digest();
    let isRight = false;
    for (const known of this.passwords) {
      if (timingSafeEqual(Buffer.from(known, "hex"), digest)) isRight = true;
    }
    return isRight;
  }

  /** Takes over all that the other is, but its name. */
  become(other: User): void {
    this.isEnabled = other.isEnabled;
    this.hasNoPassword = other.hasNoPassword;
    this.sanitizesPayloads = other.sanitizesPayloads;
    this.passwords = [...other.passwords];
    this.root = other.root.copy();
    this.selectors = other.selectors.map((selector) => selector.copy());
  }
}

/** How a password is kept: SHA-256 in hexadecimal digits. */
export function passwordDigest(password: Buffer): string {
  return createHash("sha256").update(password).digest("hex");
}
