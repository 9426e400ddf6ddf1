/**
 * Sessions with the debugger of scripts that the real Redis and tsredis are compared by.
 */
import type { DebugScenario } from "../support/debug-session.ts";

function steps(count: number): string[] {
  return Array.from({ length: count }, () => "s");
}

function listed(commands: string): string[] {
  return commands.split("; ");
}

const ALL_KINDS = `local a = {1,2,{x='y'}}
local function f(n)
  local q = n * 2
  redis.call('set', KEYS[1], q)
  return redis.pcall('lpush', KEYS[1], 'x')
end
redis.debug('hi', a, nil, true, f ~= nil)
local r = f(21)
redis.breakpoint()
local s = redis.call('get', KEYS[1])
redis.call('hset','h','a','b')
return {s, r}
`;

const VALUES = `local a, b, c = 1.5, 1/0, -1/0
local d = 0/0
local e = 1e100
local f = 123456789
local g = 'q"\\n\\0\\255z'
local h = {[1]='a',[2]='b',x={y={z={}}}}
local i = {nil, 2}
local t = {} t.t = t
local n = nil
return 1`;

const RECURSION = `local function f(n)
  if n == 0 then
    return 0
  end
  return 1 + f(n-1)
end
local function g(n)
  return f(n)
end
return g(3)`;

const COROUTINE = `local co = coroutine.wrap(function(a)
  local b = a + 1
  local c = coroutine.yield(b)
  return c * 2
end)
local x = co(1)
local y = co(x)
return {x, y}`;

const PROTECTED = `local ok, e = pcall(function()
  local inner = 7
  error({err='BOO boo'})
end)
local ok2, e2 = pcall(redis.call, 'nosuch')
return {tostring(ok), e}`;

const HANDLED = `local ok, e = xpcall(function()
  local inner = 7
  return inner + nil
end, function(m)
  local mm = m
  return 'handled'
end)
return {tostring(ok), tostring(e)}`;

const RESP3 = `redis.setresp(3)
local a = redis.call('hgetall','h3')
local b = redis.call('smembers','s3')
local c = redis.call('zscore','z3','m')
local d = redis.call('get','nokey')
local e = redis.call('zrange','z3',0,-1,'withscores')
redis.setresp(2)
local f = redis.call('get','nokey')
return 1`;

const MISUSE = `local x = redis.error_reply('MYerr')
local y = redis.status_reply()
local z = redis.pcall('set','x')
local w = redis.pcall({})
local v = redis.pcall()
local u = redis.sha1hex()
return 1`;

const COMMANDS_OF_ALL_KINDS = [
  "r lpush l a b c",
  "r lrange l 0 -1",
  `r set big ${"x".repeat(300)}`,
  "r get big",
  "r get big",
  "m 0",
  "r get big",
  "m 61",
  "e string.rep('a',300)",
  "m -5",
  "r config get x",
  "r eval x",
  "r debug",
  "r multi",
  `r${" test".repeat(100)}`,
  "e redis.sha1hex('a')",
  "e KEYS[1]",
  "e ARGV",
  "e 1,2",
  "e nil",
  "e",
  "e x = 3",
  "e nosuch",
  "e ((",
  "p KEYS",
  "p redis",
  "s",
];

export const SCENARIOS: Readonly<Record<string, DebugScenario>> = {
  "functions, tables, errors": {
    script: ALL_KINDS,
    keys: ["k1"],
    args: ["v1"],
    commands: listed(
      "s; p; p a; s; s; s; p; p q; p a; p KEYS; p ARGV; p zz; t; s; s; s; s; b; b 10 3 77 x" +
        "; b; b -3; b -3; b 0; l; l 2; l 2 1; w; m; foo; p a b; t; c",
    ),
  },
  values: { script: VALUES, commands: ["b 10", "c", "p", "p t", "m 0", "p t", "p", "p n", "e 'q\\0'", "c"] },
  "a loop on one line": {
    script: "for i=1,3 do local x = i * 2 end\nreturn 5",
    commands: ["s", "p", ...steps(9)],
  },
  "a loop that jumps back": {
    script: "local i = 0 while i < 4 do i = i + 1 end return i",
    commands: ["s", "p", "s", "p", ...steps(8)],
  },
  "breakpoints called": {
    script:
      "local t = {}\nfor i=1,3 do\n  t[i] = i\n  if i == 2 then\n    redis.breakpoint()\n  end\nend\nreturn t",
    commands: ["c", "p", "p i", "c"],
  },
  recursion: {
    script: RECURSION,
    commands: listed("b 3; c; t; p; p n; b 5; c; t; c; c; c; c"),
  },
  "a coroutine": {
    script: COROUTINE,
    commands: ["s", "s", "p", "t", "p co", "s", "s", "s", "p", "t", ...steps(4)],
  },
  "a function of pcall": {
    script: PROTECTED,
    commands: ["b 3", "c", "p", "p inner", "p ok", "t", "s", "p", ...steps(4)],
  },
  "an abort that pcall catches": { script: PROTECTED, commands: ["b 3", "c", "a", "p", ...steps(4)] },
  "a function of xpcall": { script: HANDLED, commands: ["s", "p", "s", "t", "s", "p", "t", ...steps(6)] },
  "an abort": { script: "local x = 1\nlocal y = 2\nreturn 3", commands: ["s", "a"] },
  "replies in RESP3": {
    script: RESP3,
    commands: ["r hset h3 a b c d", "r sadd s3 1", "r zadd z3 1.5 m", ...steps(8), "p", ...steps(2)],
  },
  "many words, line ends": {
    script: "redis.call('mset',unpack(ARGV))\nreturn redis.call('echo','a\\r\\nb')",
    args: Array.from({ length: 14 }, (_, i) => String(i)),
    commands: steps(2),
  },
  "errors of the script's own": { script: "return redis.error_reply('MY err')", commands: ["s"] },
  "an error with a sign": { script: "return redis.error_reply('-MY err')", commands: ["s"] },
  "functions that are called wrongly": { script: MISUSE, commands: steps(8) },
  "an error of Lua's": { script: "local x = 1\nreturn nil + x", commands: ["s", "s"] },
  "a text as error": { script: "error('plain')", commands: ["s"] },
  "a table as error": { script: "error({err='CODE text'})", commands: ["s"] },
  "an unknown variable": { script: "return nosuch", commands: ["s"] },
  "what cannot be compiled": { script: "return nosuch(", commands: [] },
  "code of a script's own": {
    script:
      "local f = loadstring('local z = 1\\nredis.debug(z)\\nreturn z')\nlocal r = f()\nredis.debug(r)\nreturn r",
    commands: steps(6),
  },
  "redis.debug and redis.log": {
    script: "redis.debug()\nredis.debug(1)\nredis.log(1)\nreturn 1",
    commands: steps(4),
  },
  "nothing at all": { script: "", commands: ["s"] },
  "lines without code": { script: "\n\nreturn 1\n\n\r\n", commands: ["l", "w", "s"] },
  flags: {
    script: "#!lua flags=no-writes\nlocal x = 1\nredis.call('set','a','b')\nreturn x",
    commands: ["s", "w", "s", "s"],
  },
  "what is called by sort and gsub": {
    script: `local t = {5,3,4}
table.sort(t, function(a,b) return a < b end)
local s = string.gsub('abc', '.', function(c) return c .. c end)
return s`,
    commands: ["b 4", "c", "p", "s"],
  },
  "commands of all kinds": {
    script: "return redis.call('set', KEYS[1], ARGV[1])",
    keys: ["k"],
    args: ["v"],
    commands: COMMANDS_OF_ALL_KINDS,
  },
  "words in capitals": { script: "return 1", commands: ["HELLO", "L", "W", "MAXLEN 70", "STEP"] },
  "odd arguments": {
    script: "local a = 1\nlocal b = 2\nlocal c = 3\nreturn a",
    commands: listed(
      "b 2 3 4 5 6; b -2 0 4; b 9999999999999999999; b -9223372036854775808; b 00; b 1x" +
        "; b +2; c; l -5; l 3 0; l 3 -1; l x; l 0 1; l 2 x; m x; m 1 2; c",
    ),
  },
  "more breakpoints than there can be": {
    script: "local a = 1\n".repeat(70),
    commands: [`b ${Array.from({ length: 66 }, (_, i) => i + 1).join(" ")}`, "b", "b -3 70", "b 0", "c"],
  },
  "what stands before a command": {
    script: "local a = 1\nlocal b = 2",
    commands: [Buffer.from("xx*1\r\n$1\r\ns\r\n"), Buffer.from("*2\r\n$1\r\nb\r\n$1\r\n2\r\n"), "c"],
  },
  "zero bytes": {
    script: "return 1",
    commands: ["hello\0world", "hello\0", "\0hello", "m\0x", Buffer.from("*1\r\n$3\r\ns\0x\r\n")],
  },
  "an argument that is too long": { script: "return 1", commands: [Buffer.from("*1\r\n$2000\r\n")] },
  "an empty argument": { script: "return 1", commands: [Buffer.from("*1\r\n$0\r\n\r\n")] },
  "too many arguments": { script: "return 1", commands: [Buffer.from("*2000\r\n")] },
  "no protocol": { script: "return 1", commands: [Buffer.from("step\r\n")] },
  "a request without end": { script: "return 1", commands: [Buffer.from(`*${"1".repeat(1024 * 1024 + 5)}`)] },
  "a client that says no more": {
    script:
      "redis.call('set','b',1)\nredis.breakpoint()\nredis.call('set','c',2)\nreturn redis.call('get','c')",
    commands: ["b 4"],
  },
  "several databases": {
    before: [["SELECT", "2"]],
    script: "redis.call('set','x','1')\nredis.call('select',3)\nredis.call('set','y','1')\nreturn 1",
    commands: ["r get x", "s", "s", "r set z 1", "c"],
  },
  "a client with RESP3": { before: [["HELLO", "3"]], script: "return {double=1}", commands: ["e {1}", "s"] },
};

export const PRIVATE_SCENARIO: DebugScenario = {
  mode: "yes",
  script: `redis.call('set','k','2')
redis.call('rpush','l','d')
redis.call('del','gone')
redis.call('set','new','1','px',100)
redis.call('rpush','waited','x')
redis.call('hset','big','f1','changed')
redis.call('rename','l','l2')
redis.call('expire','vol',5)
redis.call('publish','ch','msg')
redis.call('move','k',3)
redis.call('copy','big','big2','DB',2)
redis.call('select',2)
redis.call('set','in2','1')
redis.call('xadd','st','1-1','a','b')
redis.call('xgroup','create','st','g','0')
redis.call('xreadgroup','group','g','c','streams','st','>')
redis.call('select',0)
redis.call('sort','l2','alpha','store','sorted')
redis.call('pfadd','hll','a','b')
redis.call('pfcount','hll')
redis.call('object','encoding','big')
redis.call('incr','k')
return redis.call('get','k')`,
  commands: steps(23),
};
