/**
 * The commands there are, as far as a reader of files needs to know them: how many arguments, and where the first key
 * stands. A bit flip in a file without checksums may turn a command into one that no server knows or would execute, and
 * what only looks like a command inside a value is told from one by this.
 *
 * Redis 7.0's, and those on hash fields of 7.4 and 8.0. Each line: position of the first key (0: none, or it depends on
 * the arguments), arity as COMMAND has it (name included; negative: at least so many), names; where only a second word
 * makes a command of it, both.
 */

/** What writes, and what surrounds it in a log. */
const WRITES = `
0 -7 xreadgroup
0 -5 blmpop bzmpop
0 -4 lmpop zmpop
0 -3 eval evalsha fcall
0 -2 function|flush script|flush
0 -3 function|load function|restore
0 3 function|delete script|load
0 -1 flushall flushdb
0 1 exec multi
0 2 select
0 3 swapdb
1 -8 geosearchstore
1 -6 georadius hexpire hexpireat hpexpire hpexpireat hsetex xautoclaim xclaim
1 -5 geoadd georadiusbymember hgetdel hgetex hpersist xadd zrangestore
1 -4 hmset hset restore restore-asking xack xtrim zadd zdiffstore zinterstore zunionstore
1 -3 blpop brpop bzpopmax bzpopmin copy expire expireat hdel lpush lpushx mset msetnx pexpire pexpireat
1 -3 rpush rpushx sadd sdiffstore set sinterstore srem sunionstore xdel xsetid zrem
1 -2 bitfield del getex lpop pfadd pfcount pfmerge rpop sort spop unlink zpopmax zpopmin
1 2 decr getdel incr persist
1 3 append decrby getset incrby incrbyfloat move rename renamenx rpoplpush setnx
1 4 brpoplpush hincrby hincrbyfloat hsetnx lrem lset ltrim psetex setbit setex setrange smove zincrby
1 4 zremrangebylex zremrangebyrank zremrangebyscore
1 5 linsert lmove
1 6 blmove
2 -4 bitop
2 -5 xgroup|create xgroup|setid
2 3 pfdebug
2 4 xgroup|destroy
2 5 xgroup|createconsumer xgroup|delconsumer
3 -6 migrate
`;

/** What Redis would load as well, though no log has it. */
const OTHERS = `
0 -4 xread
0 -3 eval_ro evalsha_ro fcall_ro psync sintercard zdiff zinter zintercard zunion
0 -2 acl auth client cluster config debug latency memory module object psubscribe pubsub scan slowlog
0 -2 subscribe xinfo
0 -1 bgsave command failover hello info lolwut ping punsubscribe quit replconf shutdown unsubscribe
0 1 asking bgrewriteaof dbsize discard lastsave monitor pfselftest randomkey readonly readwrite reset role
0 1 save sync time unwatch
0 2 echo keys
0 3 publish replicaof slaveof wait
1 -7 geosearch
1 -6 georadius_ro
1 -5 georadiusbymember_ro
1 -4 geodist xrange xrevrange zrange zrangebylex zrangebyscore zrevrange zrevrangebylex zrevrangebyscore
1 -3 bitpos hmget hscan lcs lpos smismember sscan xpending zmscore zscan
1 -2 bitcount bitfield_ro exists geohash geopos hrandfield mget sdiff sinter sort_ro srandmember
1 -2 ssubscribe sunion touch watch zrandmember
1 -1 sunsubscribe
1 2 dump expiretime get hgetall hkeys hlen hvals llen pexpiretime pttl scard smembers strlen ttl type xlen
1 2 zcard
1 3 getbit hexists hget hstrlen lindex sismember spublish zrank zrevrank zscore
1 4 getrange lrange substr zcount zlexcount
`;

export interface KnownCommand {
  /** Number of arguments with the name; negative: at least so many. */
  readonly arity: number;
  /** Index of the first key; 0 if there is none, or it depends on the arguments. */
  readonly firstKey: number;
  /** It may stand in an append-only file. */
  readonly isWrite: boolean;
}

const commands = new Map<string, KnownCommand>();
/** First words that need a second one. */
const containers = new Set<string>();
for (const [table, isWrite] of [
  [OTHERS, false],
  [WRITES, true],
] as const) {
  for (const line of table.trim().split("\n")) {
    const [firstKey, arity, ...names] = line.split(" ");
    for (const name of names) {
      commands.set(name, { arity: Number(arity), firstKey: Number(firstKey), isWrite });
      if (name.includes("|")) containers.add(name.slice(0, name.indexOf("|")));
    }
  }
}

/** Whether a command's first word, in lower case, is nothing without a second one. */
export function needsSubcommand(name: string): boolean {
  return containers.has(name);
}

/** The command of this name (`xgroup|create` where two words make it), which must be in lower case; undefined if there
 * is none. */
export function knownCommand(name: string): KnownCommand | undefined {
  return commands.get(name);
}

/** Whether a command with this arity may have so many arguments, its name included. */
export function fitsArity({ arity }: KnownCommand, argumentCount: number): boolean {
  return arity >= 0 ? argumentCount === arity : argumentCount >= -arity;
}

/** The names of all, for comparisons. */
export function knownCommandNames(): string[] {
  return [...commands.keys()];
}
