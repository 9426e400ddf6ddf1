/**
 * A redis-server and this project's server, to be measured by turns.
 */
import { type Program, removeFolder, ServerProcess, TSREDIS, temporaryFolder } from "./server-process.ts";

/** The two servers, each with its folder. */
export interface ServerPair {
  readonly redis: ServerProcess;
  readonly tsredis: ServerProcess;
  end(): Promise<void>;
}

/** Starts both with the same options. */
export async function startPair(
  { dir, redis }: { readonly dir: string; readonly redis: Program },
  args: readonly string[],
): Promise<ServerPair> {
  const folders = [temporaryFolder(dir), temporaryFolder(dir)];
  const stock = await ServerProcess.start({ program: redis, args, folder: folders[0] });
  const own = await ServerProcess.start({ program: TSREDIS, args, folder: folders[1] });
  return {
    redis: stock,
    tsredis: own,
    async end() {
      // Nothing of it is needed any more: no time for an orderly end.
      await Promise.all([stock.end("SIGKILL"), own.end("SIGKILL")]);
      for (const folder of folders) removeFolder(folder);
    },
  };
}
