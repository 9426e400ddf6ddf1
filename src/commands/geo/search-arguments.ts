/**
 * The arguments of commands that search by position, checked in Redis's order.
 */
import {
  ANY_WITHOUT_COUNT,
  GEO_COUNT_NOT_POSITIVE,
  NO_SUCH_GEO_MEMBER,
  noSearchCenter,
  noSearchShape,
  SYNTAX_ERROR,
  storingWithDetails,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { positionOfScore } from "../../types/geo/geohash.ts";
import { SearchShape } from "../../types/geo/search-area.ts";
import type { SortedElements } from "../../types/sorted-set/sorted-set.ts";
import { isWord, longOrReply, textForError } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { openSortedSet } from "../sorted-set-access.ts";
import { readBox, readPosition, readRadius } from "./arguments.ts";

/** How a command is given what it searches. */
export interface SearchCommand {
  /** Where the centre stands: a position or a member behind the key, then the radius; or among the options. */
  readonly center: "position" | "member" | "option";
  /** The argument with the key that is searched. */
  readonly source: number;
  readonly optionsFrom: number;
  /** Whether the result is stored: under the key in argument 1, or as options say. */
  readonly storing: "never" | "option" | "always";
}

export type Sorting = "none" | "ascending" | "descending";

/** What a read function of an option returns if it was none of those, or an error was answered. */
const NOT_READ = 0;
const FAILED = -1;

export class GeoSearch {
  readonly shape = new SearchShape();
  withDistance = false;
  withHash = false;
  withPosition = false;
  sorting: Sorting = "none";
  /** 0: no limit. */
  count = 0;
  /** The first `count` that are found will do. */
  any = false;
  /** The argument with the key to store the result under; 0: it is answered. */
  storeAt = 0;
  /** Distances become the scores. */
  storesDistances = false;
  private hasMember = false;
  private hasPosition = false;
  private hasRadius = false;
  private hasBox = false;
  private command!: SearchCommand;

  /** Reads the arguments, and then has `answer` search. `elements` is undefined if the key does not exist. */
  run(
    ctx: CommandContext,
    command: SearchCommand,
    answer: (ctx: CommandContext, search: GeoSearch, elements: SortedElements | undefined) => Outcome,
  ): Outcome {
    const { db, request } = ctx;
    const { source } = command;
    const address = db.lookupRead(request.buf, request.start[source], request.len[source]);
    const set = address === 0 ? undefined : openSortedSet(ctx, address);
    if (set === undefined && address !== 0) return DONE;
    this.reset(command);
    const elements = set?.elements;
    if (!this.readCenter(ctx, elements) || !this.readOptions(ctx, elements)) return DONE;
    return this.check(ctx) ? answer(ctx, this, elements) : DONE;
  }

  private reset(command: SearchCommand): void {
    this.command = command;
    this.withDistance = false;
    this.withHash = false;
    this.withPosition = false;
    this.sorting = "none";
    this.count = 0;
    this.any = false;
    this.storeAt = command.storing === "always" ? 1 : 0;
    this.storesDistances = false;
    this.hasMember = false;
    this.hasPosition = false;
    this.hasRadius = false;
    this.hasBox = false;
  }

  private readCenter(ctx: CommandContext, elements: SortedElements | undefined): boolean {
    const { center, optionsFrom } = this.command;
    if (center === "option") return true;
    if (center === "position") {
      if (!readPosition(ctx, 2, this.shape.center)) return false;
    } else {
      // Nothing will be found, but the options decide what to answer.
      if (elements === undefined) return true;
      if (!this.readMember(ctx, 2, elements)) return false;
    }
    return readRadius(ctx, optionsFrom - 2, this.shape);
  }

  private readMember(ctx: CommandContext, i: number, elements: SortedElements): boolean {
    const { buf, start, len } = ctx.request;
    if (!elements.find(buf, start[i], len[i])) {
      ctx.reply.error(NO_SUCH_GEO_MEMBER);
      return false;
    }
    positionOfScore(elements.score, this.shape.center);
    return true;
  }

  private readOptions(ctx: CommandContext, elements: SortedElements | undefined): boolean {
    const { argc } = ctx.request;
    for (let i = this.command.optionsFrom; i < argc; ) {
      let read = this.readFlag(ctx, i);
      if (read === NOT_READ) read = this.readCountOrStore(ctx, i);
      if (read === NOT_READ && this.command.center === "option") read = this.readArea(ctx, i, elements);
      if (read === NOT_READ) ctx.reply.error(SYNTAX_ERROR);
      if (read <= NOT_READ) return false;
      i += read;
    }
    return true;
  }

  /** Each of these functions returns how many arguments the option takes that begins with argument i. */
  private readFlag({ request }: CommandContext, i: number): number {
    if (isWord(request, i, "withdist")) this.withDistance = true;
    else if (isWord(request, i, "withhash")) this.withHash = true;
    else if (isWord(request, i, "withcoord")) this.withPosition = true;
    else if (isWord(request, i, "any")) this.any = true;
    else if (isWord(request, i, "asc")) this.sorting = "ascending";
    else if (isWord(request, i, "desc")) this.sorting = "descending";
    else if (this.command.storing === "always" && isWord(request, i, "storedist"))
      this.storesDistances = true;
    else return NOT_READ;
    return 1;
  }

  private readCountOrStore(ctx: CommandContext, i: number): number {
    const { request, reply } = ctx;
    if (i + 1 >= request.argc) return NOT_READ;
    if (isWord(request, i, "count")) {
      this.count = longOrReply(ctx, i + 1);
      if (Number.isNaN(this.count)) return FAILED;
      if (this.count <= 0) {
        reply.error(GEO_COUNT_NOT_POSITIVE);
        return FAILED;
      }
      return 2;
    }
    if (this.command.storing !== "option") return NOT_READ;
    const storesDistances = isWord(request, i, "storedist");
    if (!storesDistances && !isWord(request, i, "store")) return NOT_READ;
    this.storeAt = i + 1;
    this.storesDistances = storesDistances;
    return 2;
  }

  /** Centre and shape of GEOSEARCH. */
  private readArea(ctx: CommandContext, i: number, elements: SortedElements | undefined): number {
    const { request } = ctx;
    const following = request.argc - i - 1;
    if (following >= 1 && !this.hasPosition && isWord(request, i, "frommember")) {
      if (elements !== undefined && !this.readMember(ctx, i + 1, elements)) return FAILED;
      this.hasMember = true;
      return 2;
    }
    if (following >= 2 && !this.hasMember && isWord(request, i, "fromlonlat")) {
      if (!readPosition(ctx, i + 1, this.shape.center)) return FAILED;
      this.hasPosition = true;
      return 3;
    }
    if (following >= 2 && !this.hasBox && isWord(request, i, "byradius")) {
      if (!readRadius(ctx, i + 1, this.shape)) return FAILED;
      this.hasRadius = true;
      return 3;
    }
    if (following >= 3 && !this.hasRadius && isWord(request, i, "bybox")) {
      if (!readBox(ctx, i + 1, this.shape)) return FAILED;
      this.hasBox = true;
      return 4;
    }
    return NOT_READ;
  }

  /** Whether the options go together; if not, the error is answered. */
  private check(ctx: CommandContext): boolean {
    const { reply, request } = ctx;
    const isByOption = this.command.center === "option";
    const hasDetails = this.withDistance || this.withHash || this.withPosition;
    if (this.storeAt !== 0 && hasDetails) {
      reply.error(storingWithDetails(isByOption ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS"));
    } else if (isByOption && !this.hasMember && !this.hasPosition) {
      reply.error(noSearchCenter(textForError(request, 0)));
    } else if (isByOption && !this.hasRadius && !this.hasBox) {
      reply.error(noSearchShape(textForError(request, 0)));
    } else if (this.any && this.count === 0) {
      reply.error(ANY_WITHOUT_COUNT);
    } else {
      return true;
    }
    return false;
  }
}
