/**
 * The configuration of a running server: the value of every directive, CONFIG GET and CONFIG SET.
 *
 * `values` is for reading, also on the hot path: one object whose shape never changes after construction. Changes go
 * through `set`, which is atomic: all of its pairs take effect, hooks included, or none does.
 */
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { globMatch } from "../../base/glob.ts";
import { type Log, silentLog } from "../../base/log.ts";
import type { Renaming } from "../../commands/table.ts";
import type { ConfiguredUser } from "../acl/acl.ts";
import { ConfigSetError, SettingError } from "./config-error.ts";
import { bytesOfText, type ParseContext, type Parsed, type Setting, textOfBytes } from "./setting.ts";
import { type ConfigValues, type SettingName, settingNames, settings } from "./settings.ts";

/** Runs after values changed, and again if the change is taken back. Throws an error with the reason to refuse. */
export type ChangeHook = () => void;

/** Who asks, and when: some directives are refused to some, or for a while. */
export interface SetContext {
  /** The client is connected from this machine. */
  readonly isLocal?: boolean;
  /** The dataset is still being loaded. */
  readonly isLoading?: boolean;
}

/** Bytes of an argument; a string counts as UTF-8. */
export type Argument = Uint8Array | string;

/** A name under which a directive is known: its own or its alias. */
interface KnownName {
  readonly name: SettingName;
  readonly shown: string;
}

interface Change extends KnownName {
  readonly newText: string;
  readonly old: Parsed<unknown>;
}

const knownNames = new Map<string, KnownName>();
for (const name of settingNames) {
  const { alias } = directive(name);
  knownNames.set(name, { name, shown: name });
  if (alias !== undefined) knownNames.set(alias, { name, shown: alias });
}

function directive(name: SettingName): Setting<unknown> {
  return settings[name];
}

/** The directive of that name or alias, in any case. */
export function findSetting(name: string): SettingName | undefined {
  return knownNames.get(name.toLowerCase())?.name;
}

export class Config {
  /** The present value of every directive. A spread of a literal, which V8 gives a fixed shape: an object filled
   * key by key would become a dictionary, and every read on the hot path a hash lookup. */
  readonly values: Readonly<ConfigValues>;
  /** Where failures to take back a change are told; the log itself needs a configuration first. */
  log: Log = silentLog;
  /** Absolute path of the file that it was read from, if there is one. */
  file: string | undefined;
  /** Lines `user` and `rename-command`, in their order. */
  readonly users: ConfiguredUser[] = [];
  readonly renamings: Renaming[] = [];
  readonly #values: Record<string, unknown>;
  /** Canonical texts, as CONFIG GET reports them. */
  readonly #texts = new Map<SettingName, string>();
  readonly #initialTexts: ReadonlyMap<SettingName, string>;
  readonly #loaded = new Set<SettingName>();
  readonly #hooks = new Map<SettingName, ChangeHook[]>();

  /** All directives at their defaults. */
  constructor() {
    this.#values = { ...settings };
    for (const name of settingNames) {
      const setting = directive(name);
      const text = typeof setting.initial === "function" ? setting.initial() : setting.initial;
      const args = setting.takesMany ? text.split(" ") : [text];
      this.#put(name, setting.parse(args, { current: undefined, isRepeated: false }));
    }
    this.#initialTexts = new Map(this.#texts);
    this.values = this.#values as ConfigValues;
  }

  /** The text that CONFIG GET reports for a directive. */
  text(name: SettingName): string {
    return this.bytes(name).toString();
  }

  /** The same as bytes. */
  bytes(name: SettingName): Buffer {
    return bytesOfText(this.#texts.get(name) as string);
  }

  /** The default value. */
  initial(name: SettingName): unknown {
    const setting = directive(name);
    const text = this.#initialTexts.get(name) as string;
    return setting.parse(setting.takesMany ? text.split(" ") : [text], {
      current: undefined,
      isRepeated: false,
    }).value;
  }

  /** Whether a directive has its default value. */
  isDefault(name: SettingName): boolean {
    return this.#texts.get(name) === this.#initialTexts.get(name);
  }

  /** Whether a file or an option gave the directive, be it with its default value. */
  isLoaded(name: SettingName): boolean {
    return this.#loaded.has(name);
  }

  /** An absolute path: relative ones start at `dir`. */
  resolve(path: string): string {
    return resolve(this.values.dir, path);
  }

  /** CONFIG GET: name and text of what the patterns match, each once. Names without a glob sign are shown as asked. */
  get(patterns: readonly Argument[]): [name: string, text: Buffer][] {
    const found = new Map<string, [string, Buffer]>();
    for (const pattern of patterns) {
      const asked = textOfBytes(pattern);
      for (const { name, shown } of matchingNames(asked)) {
        if (found.has(shown)) continue;
        const isExact = asked.toLowerCase() === shown;
        found.set(shown, [isExact ? asked : shown, bytesOfText(this.#texts.get(name) as string)]);
      }
    }
    return [...found.values()];
  }

  /** Whether the value of a directive must not be shown in SLOWLOG, MONITOR or the log. */
  isSensitive(name: Argument): boolean {
    const setting = findSetting(textOfBytes(name));
    return setting !== undefined && directive(setting).sensitive === true;
  }

  /**
   * Sets a directive at start-up, from a file or the command line; `args` are byte strings. No hooks run.
   * Throws `SettingError`.
   */
  load(name: SettingName, args: readonly string[]): void {
    this.#assign(name, args, { isRepeated: this.#loaded.has(name), isStarting: true });
    this.#loaded.add(name);
  }

  /** Calls `hook` after CONFIG SET changed any of the named directives, once for all that changed together. */
  onChange(names: SettingName | readonly SettingName[], hook: ChangeHook): void {
    for (const name of typeof names === "string" ? [names] : names) {
      this.#hooks.set(name, [...(this.#hooks.get(name) ?? []), hook]);
    }
  }

  /** CONFIG SET: all pairs or none. Throws `ConfigSetError` with the error reply in Redis 7.0's words. */
  set(pairs: readonly (readonly [name: Argument, text: Argument])[], context: SetContext = {}): void {
    const changes = this.#plan(pairs, context);
    const hooks = new Map<ChangeHook, string>();
    for (const { name, shown, newText, old } of changes) {
      try {
        const args = directive(name).takesMany ? splitAtSpaces(newText) : [newText];
        this.#assign(name, args, { isRepeated: false, isStarting: false });
      } catch (error) {
        this.#restore(changes);
        if (!(error instanceof SettingError)) throw error;
        throw setError(shown, error.message);
      }
      if (directive(name).rereads === true || this.#isChanged(name, old)) {
        for (const hook of this.#hooks.get(name) ?? []) if (!hooks.has(hook)) hooks.set(hook, shown);
      }
    }
    this.#runHooks(changes, hooks);
  }

  /** Checks names and permissions before any value is touched; the first fault decides the reply, as in Redis. */
  #plan(pairs: readonly (readonly [Argument, Argument])[], context: SetContext): Change[] {
    const changes = new Map<string, Change>();
    for (const [nameBytes, textBytes] of pairs) {
      const asked = Buffer.from(nameBytes as Uint8Array).toString();
      const known = knownNames.get(asked.toLowerCase());
      if (known === undefined) {
        throw new ConfigSetError(`ERR Unknown option or number of arguments for CONFIG SET - '${asked}'`);
      }
      const { name, shown } = known;
      const setting = directive(name);
      const isSame = setting.toleratesSame === true && textOfBytes(textBytes) === this.#texts.get(name);
      if (setting.immutable === true && !isSame) throw setError(asked, "can't set immutable config");
      if (setting.protected === true && !this.#allowsProtected(context)) {
        throw setError(asked, "can't set protected config");
      }
      if (setting.deniedWhileLoading === true && context.isLoading === true) {
        throw new ConfigSetError("LOADING Redis is loading the dataset in memory");
      }
      if (changes.has(shown)) throw setError(asked, "duplicate parameter");
      changes.set(shown, { name, shown, newText: textOfBytes(textBytes), old: this.#present(name) });
    }
    return [...changes.values()];
  }

  #allowsProtected(context: SetContext): boolean {
    const allowed = this.values["enable-protected-configs"];
    return allowed === "yes" || (allowed === "local" && context.isLocal === true);
  }

  #runHooks(changes: readonly Change[], hooks: ReadonlyMap<ChangeHook, string>): void {
    const done: ChangeHook[] = [];
    for (const [hook, shown] of hooks) {
      done.push(hook);
      try {
        hook();
      } catch (error) {
        this.log.warning(
          `Applying the new configuration failed, possibly because of ${shown}: the old one is restored.`,
        );
        this.#restore(changes);
        this.#runAgain(done);
        throw setError(shown, (error as Error).message);
      }
    }
  }

  /** Lets the hooks that saw the refused values see the restored ones, the failed hook included. */
  #runAgain(hooks: readonly ChangeHook[]): void {
    for (const hook of hooks) {
      try {
        hook();
      } catch (error) {
        this.log.warning(
          `Restoring the old configuration after a failed CONFIG SET failed: ${(error as Error).message}`,
        );
      }
    }
  }

  #restore(changes: readonly Change[]): void {
    for (const { name, old } of changes) this.#put(name, old);
  }

  #assign(
    name: SettingName,
    args: readonly string[],
    context: Pick<ParseContext<unknown>, "isRepeated" | "isStarting">,
  ): void {
    this.#put(name, directive(name).parse(args, { current: this.#values[name], ...context }));
  }

  #put(name: SettingName, parsed: Parsed<unknown>): void {
    this.#values[name] = parsed.value;
    this.#texts.set(name, parsed.text);
  }

  #present(name: SettingName): Parsed<unknown> {
    return { value: this.#values[name], text: this.#texts.get(name) as string };
  }

  /** By value too: texts can be equal where values are not (event classes `A` and `An`). */
  #isChanged(name: SettingName, old: Parsed<unknown>): boolean {
    return old.text !== this.#texts.get(name) || !isDeepStrictEqual(old.value, this.#values[name]);
  }
}

function matchingNames(asked: string): KnownName[] {
  if (!/[[*?]/.test(asked)) {
    const known = knownNames.get(asked.toLowerCase());
    return known === undefined ? [] : [known];
  }
  const pattern = bytesOfText(asked);
  const all = [...knownNames.values()];
  return all.filter(
    ({ name, shown }) => directive(name).hidden !== true && globMatch(pattern, bytesOfText(shown), true),
  );
}

/** CONFIG SET splits at every single space, unlike a file: two spaces hold an empty argument between them. */
function splitAtSpaces(text: string): string[] {
  return text === "" ? [] : text.split(" ");
}

/** The refusal of CONFIG SET, with the directive that it is due to under the name that was given. */
export function setError(shown: string, reason: string): ConfigSetError {
  return new ConfigSetError(`ERR CONFIG SET failed (possibly related to argument '${shown}') - ${reason}`);
}
