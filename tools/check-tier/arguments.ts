/** The command line of tsredis-check-tier. */
import { describeOptions, type OptionSpec, type ParsedOptions, UsageError } from "../shared/options.ts";
import { COMMON_OPTIONS } from "../shared/tool.ts";

export const USAGE = "Usage: tsredis-check-tier [options] <data-directory|file.manifest>\n";

export const OPTIONS = {
  "--fix": { help: "repair what can be proved, take out what cannot, after asking" },
  "--dry-run": { help: "with --fix: only say what would be done" },
  "--yes": { help: "do not ask" },
  "--no-backup": { help: "do not keep the old tier, base file and manifest" },
  "--temp": {
    value: "FOLDER",
    help: "where to make the copy that is examined (default: the data directory; with --fix, on the same file system)",
  },
  "--stats": { help: "show records, sizes and types of each database" },
  ...COMMON_OPTIONS,
} as const satisfies Record<string, OptionSpec>;

export const HELP = `${USAGE}
Verifies the cold tier that a data directory's append-only file relies on: LevelDB's files block by block, the stamps and
undo blocks that lead back to the checkpoint, every record's checksum, key and value, the expiry index, and which records
there should be, as the base file lists them. Without --fix nothing is changed.

${describeOptions(OPTIONS)}

Exit status: 0 the tier is right, or was made so; 1 it is not, or the tool could not do its work; 3 --dry-run: something
would be changed; 4 a server, or another process, has the directory open.
`;

export interface TierRequest {
  readonly path: string;
  readonly isFix: boolean;
  readonly isDryRun: boolean;
  readonly isAnswered: boolean;
  readonly keepsBackup: boolean;
  readonly temporary: string | undefined;
  readonly wantsStatistics: boolean;
  readonly isJson: boolean;
}

/** What a command line asks for. Throws UsageError. */
export function readArguments({ given, operands }: ParsedOptions<keyof typeof OPTIONS>): TierRequest {
  if (operands.length !== 1) throw new UsageError("Exactly one data directory must be named");
  for (const name of ["--dry-run", "--yes", "--no-backup"] as const)
    if (given.has(name) && !given.has("--fix"))
      throw new UsageError(`Option ${name} is of no use without --fix`);
  return {
    path: operands[0],
    isFix: given.has("--fix"),
    isDryRun: given.has("--dry-run"),
    isAnswered: given.has("--yes"),
    keepsBackup: !given.has("--no-backup"),
    temporary: given.get("--temp"),
    wantsStatistics: given.has("--stats"),
    isJson: given.has("--json"),
  };
}
