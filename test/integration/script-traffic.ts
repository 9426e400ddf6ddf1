/**
 * Scripts, for a comparison with the real Redis: a fixed list that asks for each peculiarity by name, and random ones.
 * Their replies must not depend on chance, the moment, addresses, or the order of a table's keys.
 */
import type { Random } from "../../src/base/random.ts";
import { nextCommand } from "./transaction-traffic.ts";

/** Bodies of EVAL without keys. */
export const SCRIPTS: readonly string[] = `
return 1
return 3.99, 5
return -0.5
return {1, 2, {3, 'x'}, nil, 4}
return {1, 2, a=5, [3]=3}
return {}
return true
return false
return nil
return
return 2^53, 1
return {2^62, -2^63, 1e300, 0/0}
return function() end
return {ok='fine', err='X y'}
return {ok='line\\nend'}
return {err='X line\\r\\nend'}
return {err='nospace'}
return {err=5, 1}
return {double=3.5}
return {double='x', 7}
return {big_number='123456789012345678901234567890'}
return {map={a={b=1}}}
return {set={a=true}}
return {verbatim_string={format='txt'}}
local function v(f) return {verbatim_string={format=f, string='some'}} end return {v('txt'), v('t'), v(''), v('text')}
return {map=1, set=2, 3}
redis.setresp(3) return {true, false}
redis.setresp(3) return true
redis.setresp(4)
redis.setresp()
redis.setresp(3) redis.call('hset', 'h', 'a', 1) local m = redis.call('hgetall', 'h') return {m.map.a, m}
redis.setresp(3) redis.call('sadd', 's', 'a') return {redis.call('smembers', 's').set.a, redis.call('smembers', 's')}
redis.setresp(3) redis.call('zadd', 'z', 1.5, 'a') return {redis.call('zscore', 'z', 'a').double * 2, redis.call('zrange', 'z', 0, -1, 'withscores')}
redis.setresp(3) return redis.call('get', 'nothing') == nil
return redis.call('get', 'nothing') == false
return redis.call('lrange', 'nothing', 0, -1)
return {redis.call('set', 'a', 1).ok, redis.call('get', 'a'), redis.call('incr', 'a')}
return redis.call('nothing')
return redis.call('get')
return redis.pcall('get')
return redis.call('CONFIG')
return redis.call('client', 'nothing')
return redis.call('object', 'help')[1] ~= nil
return redis.pcall('lpush', 'a', 1)
return redis.call('lpush', 'a', 1)
return redis.pcall('lpush', 'a', 1).err
local ok, err = pcall(redis.call, 'lpush', 'a', 1) return {tostring(ok), err}
local ok, err = pcall(function() return redis.call('lpush', 'a', 1) end) return {tostring(ok), err}
local ok, err = xpcall(function() return redis.call('lpush', 'a', 1) end, function(e) return e end) return {tostring(ok), type(err), err.err}
return redis.call()
return redis.pcall()
return redis.call({})
return redis.call('get', true)
return redis.call('multi')
return redis.call('eval', 'return 1', 0)
return redis.call('blpop', 'nothing', 0)
redis.call('del', 'sorted') redis.call('sadd', 'sorted', 'b', 'a', 'aa', 'z', 'c', 5) return redis.call('sort', 'sorted', 'by', 'nosort', 'get', '#')
return redis.call('brpoplpush', 'nothing', 'b', 0)
return redis.call('xread', 'block', 0, 'streams', 'nothing', '$')
redis.call('set', 'n', 0.1) return redis.call('get', 'n')
redis.call('set', 'n', 1e20) return redis.call('get', 'n')
redis.call('set', 'n', -0) return redis.call('get', 'n')
redis.call('set', 'n', 1/0) return redis.call('get', 'n')
redis.call('set', 'n', 12345678901234567) return redis.call('get', 'n')
redis.call('set', 'n', 1/3) return redis.call('get', 'n')
redis.call('select', 1) redis.call('set', 'in1', 'x') return redis.call('get', 'in1')
return redis.call('get', 'in1')
redis.call('set', 'a\\0b', 'c\\0\\255d') return {redis.call('get', 'a\\0b'), #redis.call('get', 'a\\0b')}
x = 1
return y
_G.x = 3
rawset(_G, 'x', 3)
redis.call = 3
redis.x = 3
string.x = 3
setmetatable(_G, {})
setmetatable(redis, {})
getmetatable(_G).__index = 3
KEYS = {} return 1
KEYS[1] = 'mine' return KEYS
table.insert(redis, 1)
table.insert(_G, 1)
math.random = 1
return type(math.random)
return type(getmetatable('').__index)
getmetatable('').__index = 3
for k, v in pairs(_G) do if k == 'x' then return 1 end end return 'none'
local n = 0 for k in pairs(cjson) do n = n + 1 end return n
return next(redis) ~= nil
return rawget(_G, 'nothing')
return rawget(redis, 'call') ~= nil
return print
return os.time
return io
return require
return dofile
return debug
return loadfile
return package
return loadstring('return 5')()
return {loadstring('return (')}
return loadstring('x = 1')()
return load(function() return nil end)
local t, i = {'return ', '4', '2'}, 0 return load(function() i = i + 1 return t[i] end)()
error('boo')
error('boo', 0)
error('boo', 2)
error(true)
error({err='MY error'})
error({err='MY error', 1, 2})
error(5)
local t = nil return t.x
local t = {} t.x.y = 1
return 1 + {}
return #5
return ('x')()
return {} .. 'x'
return {} < {}
return (
return 'unfinished
for i = 1, 10 do
local function f() return f() + 1 end return f()
local function f(n) if n == 0 then return 'd' end local ok, v = pcall(f, n - 1) return v end return f(100)
local function f(n) if n == 0 then return 'd' end local ok, v = pcall(f, n - 1) return v end return f(250)
return pcall(error)
local a, b = pcall(error, 'x') return {tostring(a), b}
local a, b = pcall(nil) return {tostring(a), b}
return pcall()
local a, b, c, d = pcall(function(...) return ... end, 1, 2, 3) return {tostring(a), b, c, d}
local a, b = pcall(pcall, error, 'x') return {tostring(a), tostring(b)}
local a, b = xpcall(function() error('a') end, function(e) return 'h:' .. e end) return {tostring(a), b}
return {xpcall(error, function(e) error('again') end)}
return {xpcall(function() error('x') end, nil)}
return {xpcall(function() error('x') end, 5)}
local n = 0 return {xpcall(error, function(e) n = n + 1 if n < 3 then error('again' .. n) end return 'handled ' .. tostring(e) .. n end)}
return {xpcall(function() return 1, 2, nil, 3 end, print)}
return {xpcall()}
return xpcall(1)
return {xpcall(nil, function(e) return 'h' .. e end)}
local c = coroutine.wrap(function() table.sort({2, 1}, function() coroutine.yield(1) end) end) return {pcall(c)}
local c = coroutine.wrap(function() for i in function() return coroutine.yield(1) end do end end) return {pcall(c)}
local c = coroutine.wrap(function() return setmetatable({}, {__index = function() coroutine.yield(1) end}).x end) return {pcall(c)}
local c c = coroutine.create(function() return coroutine.status(c), coroutine.resume(c) end) return {coroutine.resume(c)}
return {load(function() error('r') end)}
return {load(function() return {} end)}
local n = 0 return {load(function() n = n + 1 return n == 1 and 'x x' or nil end)}
local n = 0 return {load(function() n = n + 1 return n == 1 and 'x x' or nil end, 'name')}
local n = 0 return load(function() n = n + 1 return ({'return ', 42})[n] end)()
return load(5)
load(function() return nil end)()
return {pcall(error, {err = 5})}
return {pcall(error, {err = {}})}
return {pcall(error, setmetatable({}, {__index = function(t, k) return k .. 'x' end}))}
pcall(error) error()
local t = setmetatable({}, {__index = function() error('in index') end}) return t.x
for i in function() error('in iterator') end do end
table.sort({3, 2, 1}, function() error('in order') end)
return tostring(setmetatable({}, {__tostring = function() error('in tostring') end}))
local c = coroutine.wrap(function(...) local n = select('#', ...) while true do n = coroutine.yield(n) end end) return {c(1, nil, nil), c(7)}
coroutine.yield(1)
return tostring(coroutine.running())
return {pcall(xpcall)}
return {xpcall(function() local function f() return f() + 1 end return f() end, function(e) return 'h' .. tostring(e) end)}
local function f() return f() + 1 end return {pcall(f)}
local function f() return pcall(f) end return {f()}
local n = 0 local function f() n = n + 1 return (select(2, pcall(f))) end local r = f() return {n, tostring(r)}
return {pcall(coroutine.yield, 1)}
local c = coroutine.create(function() return {pcall(coroutine.yield, 1)} end) local ok, r = coroutine.resume(c) return {tostring(ok), type(r), coroutine.status(c), tostring(r[2])}
return coroutine.wrap(function() return type(coroutine.running()) end)()
local c = coroutine.wrap(function() error('x') end) return {pcall(c)}
local c = coroutine.wrap(function() error({err = 'MY x'}) end) return {pcall(c)}
local c = coroutine.wrap(function() error('x') end) c()
local c = coroutine.wrap(function() end) c() c()
return {pcall(load)}
return {pcall(error, {err = 'MY text'})}
return {pcall(error)}
return {pcall(5)}
error({err = 'MY text'})
error('x', 2)
local function f() error('deep', 2) end pcall(f) f()
return {pcall(function() local function f() error('x', 2) end f() end)}
local c = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end) return {c(), c()}
local c = coroutine.create(function(a) local b = coroutine.yield(a + 1) error('e' .. b) end) local r = {} for i = 1, 3 do local ok, v = coroutine.resume(c, i) r[i] = tostring(ok) .. tostring(v) end return r
local c = coroutine.create(function() pcall(function() coroutine.yield(5) end) return 6 end) local a, b = coroutine.resume(c) return {tostring(a), b}
local c = coroutine.wrap(function() return redis.call('get', 'n') end) return c()
return {math.floor(3.7), math.max(1, 2), math.huge > 1 and 1, math.mod(7, 3)}
return math.random(0)
return math.random(5, 1)
return math.random(1, 2, 3)
math.randomseed(1) return {math.random(1000), math.random(1000), math.random(5, 10), tostring(math.random())}
math.randomseed(-7) return {math.random(1000), math.random(1000)}
return string.format('%d %5d|%-5d|%05d %x %X %o %i %u', 5000000000, 42, 42, 42, 255, 255, 8, -3, 7)
return string.format('%d|%20d|%-20d|%+d|%x', 2^40, 2^40, -2^40, 2^40, 2^40)
return string.format('%x %u', -1, -1)
return string.format('%s %q %c %5.1f %g %e', 'x', 'a"b', 65, 3.14159, 1e20, 12345.678)
return string.format('%5s|%-5s|%.2s', 'abc', 'abc', 'abc')
return string.format('%d', 'x')
return string.format('%d')
return string.format('%y', 1)
return {string.sub('abc', 1, 2^40), string.sub('abc', -2^40), string.byte('abc', 1, 2^40)}
return {string.find('abc', 'b', 2^40), string.rep('x', 3), ('x'):rep(2), ('abc'):upper()}
return {tonumber('ff', 16), tonumber('ffffffffff', 16), tonumber('zz', 36), tonumber('8', 8), tonumber('12'), tonumber('0x10'), tonumber('-ffffffff', 16)}
return {tostring(1e15), tostring(1e14), tostring(0.1), tostring(-0), tostring(1/0), tostring(100), tostring(2^63), tostring(123456.789e3)}
return {#'abc', #{1, 2, 3}, select('#', 1, nil, nil), select(2, 'a', 'b')}
return table.concat({1, 2.5, 'x'}, ',')
local t = {5, 3, 1} table.sort(t) return t
local t = {5, 3, 1} table.sort(t, function(a, b) return a > b end) return t
return {unpack({1, 2, 3}, 2)}
return string.gsub('hello', 'l', {l='L'})
return (string.gsub('hello', 'l', function(c) return c:upper() end))
return {string.match('key=val', '(%w+)=(%w+)')}
return redis.sha1hex('')
return redis.sha1hex(5)
return redis.sha1hex()
return redis.error_reply('My Err')
return redis.error_reply('-WRONG My Err')
return redis.error_reply('nospace')
return redis.error_reply()
return redis.error_reply({})
return redis.status_reply('FINE')
return redis.status_reply(5)
redis.log(9, 'x')
redis.log(1)
redis.log('x', 'y')
return redis.set_repl(9)
return redis.set_repl()
redis.set_repl(redis.REPL_NONE) redis.call('set', 'unlogged', 1) redis.set_repl(redis.REPL_ALL) return redis.call('set', 'logged', 1)
redis.set_repl(redis.REPL_REPLICA) return redis.call('del', 'unlogged')
return redis.replicate_commands()
return redis.breakpoint()
redis.debug('x') return 1
return redis.acl_check_cmd('set', 'x', 'y')
return redis.acl_check_cmd('nothing')
return redis.acl_check_cmd()
return redis.acl_check_cmd({})
return redis.REPL_ALL + redis.REPL_AOF + redis.REPL_SLAVE + redis.LOG_DEBUG + redis.LOG_WARNING
return cjson.encode({1, 2, {x=1.5}, 'a/b\\n\\t\\0\\127\\128"', true, cjson.null})
return cjson.encode({})
return cjson.encode({[3]=1})
return cjson.encode({[1]=1, [5]='x'})
return cjson.encode({[10000]=1})
return cjson.encode({[1.5]=1})
return cjson.encode({[true]=1})
return cjson.encode(print == nil)
return cjson.encode(function() end)
return cjson.encode(1/0)
return cjson.encode(0/0)
return cjson.encode()
return cjson.encode(1, 2)
return cjson.encode({1e15, 0.1, 1/3, 123456789012345, 1e100, -1.5e-7, 12345678901234.5})
local t = {} for i = 1, 1100 do t = {t} end return #cjson.encode(t)
local t = {} for i = 1, 999 do t = {t} end return #cjson.encode(t)
return #cjson.decode(string.rep('[', 1001) .. string.rep(']', 1001))
return #cjson.decode(string.rep('[', 1000) .. string.rep(']', 1000))
return cjson.decode('[1,2,{"a":[]},null,"\\\\u20ac\\\\ud83d\\\\ude00\\\\n\\\\/"]')
return cjson.decode('"\\\\ud83d"')
return cjson.decode('"\\\\x"')
return cjson.decode('"abc')
return cjson.decode('{')
return cjson.decode('{"a"}')
return cjson.decode('{"a":1,}')
return cjson.decode('[1,]')
return cjson.decode('[1 2]')
return cjson.decode('nul')
return cjson.decode('')
return cjson.decode('1 2')
return cjson.decode('[1] x')
return cjson.decode(5)
return cjson.decode({})
return {cjson.decode('1e3'), tostring(cjson.decode('0.1')), tostring(cjson.decode('-0')), tostring(cjson.decode('1e400'))}
return {tostring(cjson.decode('[0x10, 010, NaN, -Infinity, 1., -.5]')[1]), tostring(cjson.decode('[nan]')[1]), tostring(cjson.decode('[-inf]')[1])}
return tostring(cjson.decode('[+1]')[1])
return tostring(cjson.decode('null') == cjson.null)
return type(cjson.null)
return cjson.encode(cjson.decode('{"a":{"b":[1,2,3]}}'))
return {cjson.encode_max_depth(), cjson.decode_max_depth(), cjson.encode_number_precision(), cjson._NAME, cjson._VERSION}
return cjson.encode_sparse_array('maybe')
return cjson.encode_number_precision(20)
local c = cjson.new() c.encode_number_precision(3) return {c.encode(1/3), cjson.encode(1/3)}
local c = cjson.new() c.encode_sparse_array(true) return c.encode({[10000]=1})
local c = cjson.new() c.encode_invalid_numbers('null') return c.encode({1/0, 0/0})
local c = cjson.new() c.decode_invalid_numbers(false) return c.decode('0x10')
return cmsgpack.pack({1, 2, 3, 'x', {a=1}})
return cmsgpack.pack(1, 'x', nil, true, {})
return cmsgpack.pack()
return cmsgpack.pack(0.5, 1/3, 1e300, 1/0, -1, -33, -200, -40000, -2^40, 2^40, 127, 128, 65535, 65536, 2^32, 2^53, 2^63, -2^63)
return cmsgpack.pack(string.rep('x', 31), string.rep('x', 32), string.rep('x', 256), #cmsgpack.pack(string.rep('x', 70000)))
return cmsgpack.pack({[1]=1, [3]=3})
return cmsgpack.pack({[1.5]=1})
local t = {} for i = 1, 20 do t = {t} end return cmsgpack.pack(t)
local t = {} for i = 1, 20 do t[i] = i end return cmsgpack.pack(t)
return {cmsgpack.unpack(cmsgpack.pack(1, 'x', true, {1, {2}}, -5))}
return {cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3))}
return {cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3), 2)}
return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2)}
return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2, 1)}
return {cmsgpack.unpack_one(cmsgpack.pack(1), 5)}
return {cmsgpack.unpack_one(cmsgpack.pack(1), -1)}
return cmsgpack.unpack('\\217')
return cmsgpack.unpack('\\193')
return cmsgpack.unpack('')
return {cmsgpack.unpack('\\207\\255\\255\\255\\255\\255\\255\\255\\255\\206\\255\\255\\255\\255\\202\\63\\192\\0\\0')}
return cmsgpack.unpack({})
return {struct.pack('>I2h', 1, -2), struct.pack('<i4', 100), struct.pack('b', -1), struct.pack('!4bi', 1, 2), struct.pack('d', 1.5), struct.pack('>f', 1.5)}
return {struct.unpack('>I2h', struct.pack('>I2h', 1, -2))}
return {struct.unpack('<d>f', struct.pack('<d>f', 1.5, 2.5))}
return {struct.pack('s', 'abc'), struct.pack('c2', 'abc'), struct.pack('c0', 'abc'), struct.pack('bc0', 3, 'abc')}
return {struct.unpack('bc0', struct.pack('bc0', 3, 'abc'))}
return {struct.unpack('s', 'abc\\0def'), struct.unpack('c3', 'abcdef', 2)}
return {struct.unpack('>l', struct.pack('>l', -5)), struct.unpack('>L', struct.pack('>L', 2^40)), struct.unpack('>i3', struct.pack('>i3', -5))}
return {struct.size('bhil'), struct.size('!8bl'), struct.size('c5')}
return struct.size('s')
return struct.pack('i33', 1)
return struct.pack('!3b', 1)
return struct.pack('y', 1)
return struct.pack('c5', 'abc')
return struct.unpack('i4', 'abc')
return struct.unpack('s', 'abc')
return struct.unpack('c0', 'abc')
return struct.unpack('b', 'abc', 0)
return struct.pack('i', 'x')
return {bit.band(5, 3), bit.bor(5, 3, 8), bit.bxor(5, 3), bit.bnot(0), bit.lshift(1, 31), bit.rshift(-1, 28), bit.arshift(-256, 4)}
return {bit.rol(0x12345678, 12), bit.ror(0x12345678, 12), bit.bswap(0x12345678), bit.tobit(0xffffffff), bit.tobit(2^40 + 1), bit.tobit(1.5)}
return {bit.tohex(255), bit.tohex(255, 4), bit.tohex(-1, -8), bit.tohex(1, 0)}
return bit.band('x', 1)
return bit.band()
return {KEYS[1], ARGV[1], #KEYS, #ARGV}
#!lua flags=no-writes\\nreturn redis.call('get', 'a')
#!lua flags=no-writes\\nreturn redis.call('set', 'a', 1)
#!lua flags=no-writes,allow-oom\\nreturn redis.call('incr', 'a')
#!lua flags=allow-stale,no-cluster,allow-cross-slot-keys\\nreturn redis.call('incr', 'b')
#!lua flags=\\nreturn 1
#!lua\\nreturn redis.call('incr', 'b')
#!lua\\nreturn y
#!lua flags=nothing\\nreturn 1
#!lua name=x\\nreturn 1
#!luax\\nreturn 1
#!lua
#!
`
  .trim()
  .split("\n")
  // What only a shebang needs: a line end.
  .map((line) => (line.startsWith("#!") ? line.replace("\\n", "\n") : line));

/** A random value of Lua, as an expression. */
function valueOf(random: Random, depth: number): string {
  const kind = random.below(depth > 0 ? 12 : 9);
  if (kind === 0) return String(random.below(300) - 150);
  if (kind === 1) return String((random.below(2 ** 31) - 2 ** 30) * 2 ** random.below(34));
  if (kind === 2) return `${random.below(1000)}/${1 + random.below(1000)}`;
  if (kind === 3) return `${random.below(1000)}e${random.below(60) - 30}`;
  if (kind === 4) return random.below(2) === 0 ? "true" : "false";
  if (kind === 5) return "cjson.null";
  if (kind <= 8) {
    const length = random.below(random.below(10) === 0 ? 400 : 8);
    return `'${Array.from({ length }, () => `\\${random.below(256)}`).join("")}'`;
  }
  const length = random.below(random.below(10) === 0 ? 20 : 4);
  const values = Array.from({ length }, () => valueOf(random, depth - 1));
  // One key only: the order of several depends on their hashes.
  if (kind === 11) return `{k${random.below(5)}=${values[0] ?? 1}}`;
  return `{${values.join(", ")}}`;
}

const WRAPS = [
  "return V",
  "return cjson.encode(V)",
  "return cjson.encode(cjson.decode(cjson.encode(V)))",
  "return cmsgpack.pack(V)",
  "return cmsgpack.pack(cmsgpack.unpack(cmsgpack.pack(V)))",
  "return {cmsgpack.unpack(cmsgpack.pack(V))}",
  "return tostring(V):sub(1, 6)",
  "return string.format('%s %q', tostring(N), tostring(N))",
  "return string.format('%.14g %d %5.2f %x', N, N, N, N)",
  "return {bit.band(N, N), bit.bxor(N, N), bit.tohex(N), bit.tobit(N), bit.rol(N, N), bit.arshift(N, N)}",
  "return {struct.pack('>hlIdf', N, N, N, N, N), struct.unpack('<i', struct.pack('<i', N))}",
  "redis.call('set', 'v', N) return redis.call('get', 'v')",
  "redis.setresp(3) return V",
];

/** A script without keys, and what goes with it. */
export function nextScript(random: Random): string {
  const number = () =>
    valueOf({ ...random, below: (n: number) => (n === 9 ? random.below(4) : random.below(n)) }, 0);
  return WRAPS[random.below(WRAPS.length)].replaceAll("V", () => valueOf(random, 3)).replaceAll("N", number);
}

/** Commands in one script: each one's arguments stand behind their count. */
export const RUN_ALL = `
local replies, i = {}, 1
while i <= #ARGV do
  local count = tonumber(ARGV[i])
  replies[#replies + 1] = redis.pcall(unpack(ARGV, i + 1, i + count)) or 'nothing'
  i = i + count + 1
end
return replies`;

/** EVAL of some random commands, some of them with their keys declared. */
export function nextCommands(random: Random): string[] {
  const commands = Array.from({ length: 1 + random.below(5) }, () => nextCommand(random));
  const keys = commands.flatMap((command) => (random.below(2) === 0 ? command.slice(1, 2) : []));
  const flat = commands.flatMap((command) => [String(command.length), ...command]);
  return ["EVAL", RUN_ALL, String(keys.length), ...keys, ...flat];
}

/** Requests about functions, one after the other. */
export const FUNCTION_REQUESTS: readonly (readonly string[])[] = `
function | load | #!lua name=mylib\\nredis.register_function("f1", function(keys, args) return {keys[1], args[1], #keys, #args} end)
fcall | f1 | 1 | k | a | b
fcall | f1 | 0
fcall | nope | 0
fcall | f1 | x
fcall | f1 | 9
fcall | f1 | -1
function | load | #!lua name=mylib\\nredis.register_function("f1", function(keys, args) return 1 end)
function | load | replace | #!lua name=mylib\\nredis.register_function("f2", function(keys, args) return redis.call("set", keys[1], args[1]) end)
fcall | f1 | 0
fcall | f2 | 1 | foo | bar
fcall_ro | f2 | 1 | foo | bar
function | list
function | list | withcode
function | list | libraryname | my*
function | list | libraryname
function | list | zzz
function | stats
function | load | #!lua name=l2\\nredis.register_function{function_name="ro1", callback=function(keys,args) return redis.call("get",keys[1]) end, flags={"no-writes"}, description="desc"}
fcall_ro | ro1 | 1 | foo
fcall | ro1 | 1 | foo
function | load | #!lua name=l3\\nredis.register_function("ro1", function() end)
function | load | #!lua name=l3\\nredis.register_function("xx", function() end) redis.register_function("xx", function() end)
function | load | #!lua name=l3\\nreturn 1
function | load | #!lua name=l3\\nredis.call("get","x")
function | load | #!lua name=l3\\nreturn math.random()
function | load | #!lua name=l3\\nx=1
function | load | #!lua name=l3\\nreturn (
function | load | #!lua name=l3\\nerror("boo")
function | load | #!lua name=l-3\\nreturn 1
function | load | #!lua\\nreturn 1
function | load | #!lua name=a name=b\\nreturn 1
function | load | #!lua foo=a\\nreturn 1
function | load | #!js name=a\\nreturn 1
function | load | return 1
function | load | #!lua name=x
function | load | foo | bar
function | load | replace
function | load | #!lua name=l3\\nredis.register_function(1)
function | load | #!lua name=l3\\nredis.register_function()
function | load | #!lua name=l3\\nredis.register_function("a","b")
function | load | #!lua name=l3\\nredis.register_function(nil,function() end)
function | load | #!lua name=l3\\nredis.register_function("a b",function() end)
function | load | #!lua name=l3\\nredis.register_function{function_name="a"}
function | load | #!lua name=l3\\nredis.register_function{callback=function() end}
function | load | #!lua name=l3\\nredis.register_function{function_name="a",callback=function() end,flags={"zz"}}
function | load | #!lua name=l3\\nredis.register_function{function_name="a",callback=function() end,flags="zz"}
function | load | #!lua name=l3\\nredis.register_function{function_name="a",callback=function() end,zz=1}
function | load | #!lua name=l3\\nlocal v = redis.REDIS_VERSION redis.log(redis.LOG_DEBUG,"x") redis.setresp(3)
function | load | #!lua name=l4\\nlocal n=0 redis.register_function("cnt",function() n=n+1 return n end) redis.register_function("err",function() error("boo") end) redis.register_function("glob",function() return zz end) redis.register_function("reg",function() redis.register_function("q",function() end) end) redis.register_function("wr",function() x=1 end) redis.register_function("mathr",function() return type(math.random(5)) end)
fcall | cnt | 0
fcall | cnt | 0
fcall | err | 0
fcall | glob | 0
fcall | reg | 0
fcall | wr | 0
fcall | mathr | 0
FCALL | MathR | 0
FCALL | ERR | 0
function | load | #!lua name=l5\\nredis.register_function("CNT", function() end)
function | load | #! name=l5\\nreturn 1
function | load | #!lua name="l6"\\nredis.register_function("F6", function() end) redis.register_function("f6", function() end)
function | load | #!lua name="l6\\nreturn 1
function | load | #!LUA name='l7'\\nredis.register_function("f7", function() return 7 end)
fcall | F7 | 0
function | delete | L7
function | delete | l7
function | delete | nolib
function | delete | l4
fcall | cnt | 0
function | flush | zz
function | flush | sync
function | list
function | stats
function | restore | zzz
function | restore | zzz | foo
function | kill
script | kill
command | getkeys | fcall | f | 2 | a | b | c
`
  .trim()
  .split("\n")
  .map((line) => line.replaceAll("\\n", "\n").split(" | "));
