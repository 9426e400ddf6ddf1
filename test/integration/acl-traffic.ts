/**
 * Random rules of users, and requests to try them on: what both servers know, with mistakes among it.
 */
import type { Random } from "../../src/base/random.ts";
import { ACL_CATEGORIES } from "../../src/commands/acl-categories.ts";

const KEYS = ["a", "ab", "abc", "b", "bc", "x:1", "x:2", "", "[a]", "a b", "\u00ff"];
const PATTERNS = ["a*", "b", "x:*", "x:?", "*", "[ab]*", "\\[a\\]", "", "*c", "a b", "\t"];
const PASSWORDS = ["secret", "", "other", "with blank"];
const DIGEST = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
const WORDS =
  "on off nopass resetpass reset allkeys resetkeys allchannels resetchannels allcommands nocommands clearselectors" +
  " sanitize-payload skip-sanitize-payload ON AllKeys nonsense ~* &* +@all -@all +@ALL (+get) () ( ) (~a* +@read %W~x:*)" +
  " (allkeys +@all) (+get &a* allchannels) (nonsense) (~* ~a) ('+get' \"~a*\") (+get";

/** Requests whose keys are in all kinds of places; K stands for a key. */
const REQUESTS = `
get K|set K v|set K v get|set K v ex 10 GET nx|getex K|getdel K|append K v|mset K 1 K 2|mset K 1 K|mget K K K|del K K|unlink K
exists K K|type K|ttl K|expire K 1|rename K K|renamenx K K|copy K K|copy K K db 1|move K 1|dump K|restore K 0 x|touch K K
object encoding K|object freq K|object help|memory usage K|debug object K|debug sleep 0|keys *|scan 0|randomkey|flushall|dbsize
lpush K v|rpoplpush K K|lmove K K left left|blmove K K left left 0|blpop K K 0|lmpop 2 K K left|lmpop 2 K|lmpop x K left|lmpop 0 K left
sadd K v|sinter K K|sinterstore K K K|sunionstore K K|smove K K v|sintercard 2 K K|sintercard 0 K
zadd K 1 v|zunionstore K 2 K K|zunionstore K 3 K K|zinter 2 K K|zrangestore K K 0 1|zmpop 1 K min|bzmpop 0 2 K K min|zdiff 1 K
hset K f v|hgetall K|hincrby K f 1|hrandfield K|pfadd K v|pfcount K K|pfmerge K K K|bitop and K K K|bitfield K get u8 0|bitfield K set u8 0 1
bitfield_ro K get u8 0|setbit K 0 1|getbit K 0|geoadd K 1 1 m|georadius K 1 1 1 m store K|georadius K 1 1 1 m STOREDIST K
georadius_ro K 1 1 1 m|georadiusbymember K m 1 m store K storedist K|geosearch K fromlonlat 1 1 byradius 1 m asc|geosearchstore K K fromlonlat 1 1 byradius 1 m
sort K|sort K by nosort|sort K by w_* get # store K|sort K store K store K|sort_ro K get x|xadd K * f v|xread streams K K 0 0|xread count 1 streams K 0
xreadgroup group g c streams K >|xgroup create K g $|xinfo stream K|xlen K|xtrim K maxlen 1|eval s 2 K K a|eval s 0|eval s 3 K|eval_ro s 1 K
evalsha x 1 K|fcall f 1 K|fcall_ro f 2 K K|function list|function load x|script load x|script exists x|multi|exec|watch K K|discard
config get x|config set a b|client list|client kill ID 1|client id|command count|command getkeys get K|acl whoami|acl users|acl setuser K|auth K|hello
select 0|select 1|swapdb 0 1|ping|echo K|info|save|lastsave|shutdown|quit|reset|time|lcs K K|getrange K 0 1|substr K 0 1|incr K|nothing K|get|client nothing`
  .split(/[|\n]/)
  .filter((line) => line !== "");

export function nextKey(random: Random): string {
  return KEYS[random.below(KEYS.length)];
}

/** One rule, mostly a right one. @param commands full names of commands that both servers have */
export function nextRule(random: Random, commands: readonly string[]): string {
  const oneOf = (list: readonly string[]) => list[random.below(list.length)];
  const sign = oneOf(["+", "-"]);
  switch (random.below(9)) {
    case 0:
      return oneOf(WORDS.split(/ (?![^(]*\))/));
    case 1:
      return `~${oneOf(PATTERNS)}`;
    case 2:
      return `%${oneOf(["R", "W", "RW", "wr", "r", "RR", "X"])}~${oneOf(PATTERNS)}`;
    case 3:
      return `&${oneOf(PATTERNS)}`;
    case 4:
    case 5:
      return `${sign}@${oneOf([...ACL_CATEGORIES, "nothing", "READ"])}`;
    case 6:
      return `${sign}${oneOf(commands)}`;
    case 7:
      return oneOf([
        "+select|0",
        "+select|1",
        "+SELECT|0",
        "+debug|object",
        "+client|list|x",
        "-debug|object",
        "+get|",
        "+nothing",
        "-nothing|x",
        "+config|nothing",
        "-Client|LIST",
        "+config",
        "-acl",
      ]);
    default:
      return `${oneOf([">", "<", "#", "!"])}${oneOf([...PASSWORDS, DIGEST, DIGEST.slice(1), DIGEST.toUpperCase()])}`;
  }
}

/** A request, as its arguments. */
export function nextRequest(random: Random): string[] {
  const line = REQUESTS[random.below(REQUESTS.length)];
  return line.split(" ").map((word) => (word === "K" ? nextKey(random) : word));
}
