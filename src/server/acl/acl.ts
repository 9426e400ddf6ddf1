/**
 * The users of the server and what they may do. Owns the users and the log of what was denied; keeps for each client
 * whether anything needs to be checked of its commands, so that those of a user who may do everything cost nothing.
 *
 * Whenever users change, that is worked out anew for all clients. The default user is always the same object: each
 * client that connects begins as it.
 */
import type { Clock } from "../../base/clock.ts";
import type { Files } from "../../base/files.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type {
  AccessControl,
  AclLogEntry,
  Denial,
  DenialReason,
  DryRunResult,
  UserFacts,
} from "../../commands/access.ts";
import type { Client } from "../../commands/client.ts";
import { clientLine } from "../../commands/connection/client-line.ts";
import type { CommandTable, CompiledCommand } from "../../commands/table.ts";
import type { Request } from "../../protocol/request.ts";
import { systemErrorText } from "../config/special-settings.ts";
import { parseUsers, writeUsers } from "./acl-file.ts";
import { AclLog, type AclLogEvent } from "./acl-log.ts";
import { CommandSets } from "./command-sets.ts";
import { describeUser, factsOf } from "./description.ts";
import { mayKeep, narrowedChannels, type SubscribedNames } from "./lost-channels.ts";
import { ALLOWED, DENIED_CHANNEL, DENIED_COMMAND, DENIED_KEY, PermissionCheck } from "./permission-check.ts";
import { mergeSelectors, RULE_FAULTS, Rules } from "./rules.ts";
import type { User } from "./user.ts";

export const DEFAULT_USER = "default";

/** A client as far as its rights go. */
export interface AclClient extends Client {
  /** Undefined of one that may do everything: no person, but a file that is replayed. */
  user: User | undefined;
  /** Whether it has given a password, or needed none when it connected. */
  authenticated: boolean;
  /** Whether it may not do anything yet but authenticate. */
  mustAuthenticate: boolean;
  /** Whether its commands need to be checked. */
  isRestricted: boolean;
  readonly subscriptions: SubscribedNames | undefined;
}

/** A line `user` of the configuration: rules in parentheses are one each. */
export interface ConfiguredUser {
  readonly name: string;
  readonly rules: readonly string[];
}

export interface AclSettings {
  readonly aclfile: string;
  readonly "acllog-max-len": number;
  readonly "acl-pubsub-default": string;
  readonly requirepass: Buffer;
}

export interface AclParts {
  readonly table: CommandTable;
  readonly settings: AclSettings;
  /** The absolute path of a file that the settings name. */
  readonly resolve: (path: string) => string;
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly clients: Iterable<AclClient>;
  /** The client whose command is executed. */
  readonly present: () => AclClient;
}

const REASONS: Readonly<Record<number, Denial["reason"]>> = {
  [DENIED_COMMAND]: "command",
  [DENIED_KEY]: "key",
  [DENIED_CHANNEL]: "channel",
};

/** The users cannot be set up at the start. */
export class AclStartError extends Error {
  override name = "AclStartError";
}

export class Acl implements AccessControl {
  private readonly parts: AclParts;
  private readonly sets: CommandSets;
  private readonly rules: Rules;
  private readonly check = new PermissionCheck();
  private readonly denials: AclLog;
  private readonly default: User;
  private users: Map<string, User>;
  /** The file is written by one at a time. */
  private writing: Promise<unknown> = Promise.resolve();

  constructor(parts: AclParts) {
    this.parts = parts;
    this.sets = new CommandSets(parts.table);
    this.rules = new Rules({
      sets: this.sets,
      allowsChannels: () => parts.settings["acl-pubsub-default"] === "allchannels",
      warn: (text) => parts.log.warning(text),
    });
    this.denials = new AclLog(() => parts.settings["acllog-max-len"]);
    this.default = this.rules.createOpenUser(DEFAULT_USER);
    this.users = new Map([[DEFAULT_USER, this.default]]);
    this.applyRequirepass();
  }

  get isOpen(): boolean {
    return this.default.hasNoPassword;
  }

  get hasFile(): boolean {
    return this.parts.settings.aclfile !== "";
  }

  /** Gives the users of the configuration, or of the file, their rights. Throws AclStartError. */
  async start(configured: readonly ConfiguredUser[]): Promise<void> {
    if (this.hasFile && configured.length > 0) {
      throw new AclStartError(
        "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This" +
          " setup is very likely to lead to configuration errors and security holes, please define either an ACL file" +
          " or declare users directly in your redis.conf, but not both.",
      );
    }
    for (const user of configured) this.addConfigured(user);
    if (!this.hasFile) return;
    const errors = await this.load();
    if (errors !== undefined)
      throw new AclStartError(`Aborting Redis startup because of ACL errors: ${errors}`);
  }

  private addConfigured({ name, rules }: ConfiguredUser): void {
    let user = this.users.get(name);
    if (user === undefined) user = this.rules.createUser(name);
    else this.rules.apply(user, "reset");
    for (const rule of rules) {
      const fault = this.rules.apply(user, rule);
      if (fault === undefined) continue;
      throw new AclStartError(
        `Error loading ACL rule '${rule}' for the user named '${name}': ${RULE_FAULTS[fault]}`,
      );
    }
    this.users.set(name, user);
    if (user.isEnabled) return;
    this.parts.log.notice(
      `The user '${name}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a` +
        " configuration error.",
    );
  }

  /** The default user gets the password of `requirepass`, or none. */
  applyRequirepass(): void {
    const { requirepass } = this.parts.settings;
    this.rules.apply(this.default, "resetpass");
    this.rules.apply(
      this.default,
      requirepass.length === 0 ? "nopass" : `>${requirepass.toString("latin1")}`,
    );
    this.settleAll();
  }

  /** A client has connected. */
  begin(client: AclClient): void {
    client.user = this.default;
    client.authenticated = this.default.isOpen;
    this.settle(client);
  }

  reset(): void {
    this.begin(this.parts.present());
  }

  authenticate(username: string, password: Buffer, command: string): boolean {
    const client = this.parts.present();
    const user = this.users.get(username);
    if (user?.accepts(password) !== true) {
      this.note(client, { reason: "auth", context: contextOf(client), object: command, username });
      return false;
    }
    client.authenticated = true;
    client.user = user;
    this.settle(client);
    return true;
  }

  /**
   * Whether a client may execute a request. What it may not do is noted in the log.
   * @returns ALLOWED, or which of DENIED_COMMAND, DENIED_KEY, DENIED_CHANNEL
   */
  judge(
    client: AclClient,
    command: CompiledCommand,
    request: Request,
    context: AclLogEntry["context"] = contextOf(client),
  ): number {
    const { user } = client;
    if (user === undefined) return ALLOWED;
    const result = this.check.check(user, command, request);
    if (result === ALLOWED) return ALLOWED;
    this.note(client, { ...this.denial(result, command, request), context, username: user.name });
    return result;
  }

  /** As `judge`, of a request that is not to be executed: nothing is noted. */
  mayExecute(client: AclClient, command: CompiledCommand, request: Request): boolean {
    return client.user === undefined || this.check.check(client.user, command, request) === ALLOWED;
  }

  mayReadAllKeys(request: Request): boolean {
    const { user, isRestricted } = this.parts.present();
    if (user === undefined || !isRestricted) return true;
    return this.check.mayReadAllKeys(user, this.parts.table.findExact(request)!, request);
  }

  dryRun(username: string, request: Request, nameAt: number): DryRunResult {
    const user = this.users.get(username);
    if (user === undefined) return { kind: "no such user" };
    const command = this.parts.table.findExactAt(request, nameAt);
    if (command === undefined) return { kind: "no such command" };
    if (!command.accepts(request.argc - nameAt)) return { kind: "wrong arity", command: command.fullName };
    const result = this.check.check(user, command, request, nameAt);
    if (result === ALLOWED) return { kind: "allowed" };
    return { kind: "denied", ...this.denial(result, command, request) };
  }

  has(username: string): boolean {
    return this.users.has(username);
  }

  user(username: string): UserFacts | undefined {
    const user = this.users.get(username);
    return user === undefined ? undefined : factsOf(user, this.sets);
  }

  names(): string[] {
    return [...this.users.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  lines(): string[] {
    return this.names().map((name) => `user ${name} ${describeUser(this.users.get(name)!, this.sets)}`);
  }

  set(username: string, rules: readonly string[]): string | undefined {
    const merged = mergeSelectors(rules);
    if (!Array.isArray(merged)) {
      return `Unmatched parenthesis in acl selector starting at '${rules[merged.unclosed]}'.`;
    }
    const known = this.users.get(username);
    const staged = this.rules.createUser(username);
    if (known !== undefined) staged.become(known);
    for (const rule of merged) {
      const fault = this.rules.apply(staged, rule);
      if (fault !== undefined) return `Error in ACL SETUSER modifier '${rule}': ${RULE_FAULTS[fault]}`;
    }
    if (known === undefined) {
      this.users.set(username, staged);
    } else {
      this.disconnectSubscribers(known, staged);
      known.become(staged);
    }
    this.settleAll();
    return undefined;
  }

  /** Disconnects clients of a user who are subscribed to what that may not use after the change. */
  private disconnectSubscribers(user: User, changed: User): void {
    const allowed = narrowedChannels(user, changed);
    if (allowed === undefined) return;
    for (const client of this.parts.clients) {
      if (client.user !== user || client.subscriptions === undefined) continue;
      if (!mayKeep(client.subscriptions, allowed)) this.close(client, this.parts.present());
    }
  }

  /** `asking` gets its reply first. */
  private close(client: AclClient, asking: AclClient | undefined): void {
    if (client === asking) client.closeAfterReply();
    else client.close();
  }

  remove(usernames: readonly string[]): number {
    let removed = 0;
    for (const name of usernames) {
      const user = this.users.get(name);
      if (user === undefined || user === this.default) continue;
      this.users.delete(name);
      this.disconnect(user, this.parts.present());
      removed++;
    }
    return removed;
  }

  commandsOf(category: string): string[] | undefined {
    return this.sets.ofCategory(category)?.map(({ fullName }) => fullName);
  }

  /** How often something was denied, by reason; whoever counts anew may set them. */
  get denialCounts(): Record<DenialReason, number> {
    return this.denials.counts;
  }

  log(count: number): AclLogEntry[] {
    return this.denials.list(count, this.parts.clock.nowMs);
  }

  clearLog(): void {
    this.denials.clear();
  }

  async load(): Promise<string | undefined> {
    const { files, resolve, settings } = this.parts;
    // Whoever is asked for later may be another one.
    const asking = this.parts.present();
    let text: string;
    try {
      text = (await files.readFile(resolve(settings.aclfile))).toString("latin1");
    } catch (error) {
      return `Error loading ACLs, opening file '${settings.aclfile}': ${systemErrorText(error)}`;
    }
    const users = parseUsers(text, settings.aclfile, this.rules);
    if (typeof users === "string") return users;
    this.replaceAll(users, asking);
    return undefined;
  }

  /** Nobody stays who was authenticated as another than the default user: what is loaded are other users. */
  private replaceAll(users: Map<string, User>, asking: AclClient | undefined): void {
    const old = this.users;
    this.default.become(users.get(DEFAULT_USER) ?? this.rules.createOpenUser(DEFAULT_USER));
    this.users = users.set(DEFAULT_USER, this.default);
    for (const user of old.values()) if (user !== this.default) this.disconnect(user, asking);
    this.settleAll();
  }

  async save(): Promise<boolean> {
    const { files, log, resolve, settings } = this.parts;
    const lines = this.lines();
    const writing = this.writing.then(() => writeUsers(files, resolve(settings.aclfile), lines));
    this.writing = writing.catch(() => undefined);
    try {
      await writing;
      return true;
    } catch (error) {
      log.warning(`Writing ACL file for ACL SAVE: ${systemErrorText(error)}`);
      return false;
    }
  }

  randomDigits(count: number): string {
    return this.parts.random
      .bytes((count + 1) >>> 1)
      .toString("hex")
      .slice(0, count);
  }

  /** Disconnects all who are authenticated as `user`; `asking` gets its reply first. */
  private disconnect(user: User, asking: AclClient | undefined): void {
    for (const client of this.parts.clients) {
      if (client.user !== user) continue;
      client.user = this.default;
      client.authenticated = false;
      this.settle(client);
      this.close(client, asking);
    }
  }

  private settleAll(): void {
    for (const client of this.parts.clients) this.settle(client);
  }

  private settle(client: AclClient): void {
    client.mustAuthenticate = !client.authenticated && !this.default.isOpen;
    client.isRestricted = client.mustAuthenticate || client.user?.allowsAll === false;
  }

  private denial(result: number, command: CompiledCommand, request: Request): Denial {
    const object = result === DENIED_COMMAND ? command.fullName : request.text(this.check.position);
    return { reason: REASONS[result], object };
  }

  private note(client: AclClient, event: Omit<AclLogEvent, "client">): void {
    const { nowMs } = this.parts.clock;
    this.denials.add({ ...event, client: clientLine(client, nowMs) }, nowMs);
  }
}

function contextOf(client: Client): AclLogEntry["context"] {
  return client.queuedCommands < 0 ? "toplevel" : "multi";
}
