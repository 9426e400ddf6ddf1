/**
 * Suspending what runs in Lua: scripts that are suspended at each of their instructions do what they do without that.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { ScriptBench } from "../support/script-bench.ts";

const RUNS = Number(process.env["SUSPENSION_RUNS"] ?? 200);
/** What a hook is called for: so many instructions. */
const COUNT = 8;

/** Ways of calling a function through one of C, or an instruction. `f` returns a number; the result is some value. */
const WAYS = [
  "return f()",
  "local r = f() return r + 1",
  "return (pcall(f))",
  "return select(2, pcall(f, 1, 2))",
  "return (pcall(pcall, f))",
  "return select('#', pcall(f)) + #{pcall(f), pcall(f)}",
  "return tostring(select(2, pcall(function() f() error('thrown') end)))",
  "return tostring(select(2, pcall(function() f() error({err = 'table'}) end)))",
  "return select(2, xpcall(function() return f() + 1 end, tostring))",
  "return select(2, xpcall(function() f() error('thrown', 0) end, function(e) return e .. tostring(f()) end))",
  "return select(2, xpcall(error, function(e) f() error('again') end))",
  "return tostring(select(2, pcall(error, setmetatable({}, {__index = function(_, k) return k .. f() end}))))",
  "return coroutine.wrap(f)()",
  "local c = coroutine.create(function(a) local b = coroutine.yield(f()) return b + f() end)\n" +
    "local _, first = coroutine.resume(c, 1) local _, second = coroutine.resume(c, first)\n" +
    "return tostring(second) .. coroutine.status(c)",
  "local c = coroutine.wrap(function() f() error('in a coroutine') end) return tostring(select(2, pcall(c)))",
  "return tostring(select(2, pcall(coroutine.wrap(function() return pcall(coroutine.yield, f()) end))))",
  "local t = setmetatable({}, {__index = function(t, k) return k .. f() end}) return t.a",
  "local t = setmetatable({}, {__index = function(t, k) return f end}) return t:method()",
  "local log = {} local t = setmetatable({}, {__newindex = function(t, k, v) log[k] = v + f() end}) t.a = 1\nreturn log.a",
  "local t = setmetatable({}, {__add = function(a, b) return f() end, __sub = function() return f() end,\n" +
    "__mul = function() return f() end, __unm = function() return f() end, __mod = function() return 3 end})\n" +
    "return (t + 1) * 2 + (1 - t) + t * t + (-t) + t % 2",
  "local t = setmetatable({}, {__concat = function(a, b) return type(a) .. type(b) .. f() end})\n" +
    "return 'a' .. 1 .. t .. 'b' .. 2",
  "local m = {__eq = function() return f() > 0 end} local a, b = setmetatable({}, m), setmetatable({}, m)\n" +
    "if a == b then return (a ~= b) and 1 or 2 end return 3",
  "local m = {__lt = function() return f() > 0 end} local a, b = setmetatable({}, m), setmetatable({}, m)\n" +
    "local r = a < b if a > b then r = 'more' end if a <= b then return 'at most' end return tostring(r)",
  "local m = {__le = function() return f() > 0 end} local a, b = setmetatable({}, m), setmetatable({}, m)\n" +
    "local r = a >= b if a <= b then return 'at most' end return tostring(r)",
  "local t = setmetatable({}, {__call = function(self, x) return x + f() end}) return t(1)",
  "local a a = setmetatable({}, {__add = function() a = 5 return f() end}) local r = a + 1 return r + a",
  "return tostring(setmetatable({}, {__tostring = function() return 'text' .. f() end}))",
  "local n = 0 for i, j in function(s, i) if i < 3 then return i + 1, f() end end, nil, 0 do n = n + i + j end return n",
  "local n = 0 for i in coroutine.wrap(function() coroutine.yield(f()) coroutine.yield(2) end) do n = n + i end return n",
  "local t = {3, 1, 2, 5, 4, 9, 7} table.sort(t, function(a, b) f() return a < b end) return table.concat(t, ',')",
  "local t, m = {}, {__lt = function(a, b) f() return a[1] > b[1] end}\n" +
    "for i = 1, 4 do t[i] = setmetatable({i}, m) end table.sort(t) return t[1][1]",
  "return tostring(select(2, pcall(table.sort, {1, 2, 3}, function(a, b) f() error('no order') end)))",
  "return (string.gsub('abc', '%w', function(x) return x .. f() end))",
  "return (string.gsub('a b', '(%w)( ?)', setmetatable({}, {__index = function(t, k) return k .. f() end})))",
  "return table.foreach({1, 2}, function(k, v) if f() and v == 2 then return v end end)",
  "return table.foreachi({1, 2}, function(k, v) if f() and v == 2 then return v end end)",
  "local n = 0 return load(function() n = n + 1 f() return ({'return ', '1 + ', '2'})[n] end)()",
  "local n = 0 return tostring(select(2, load(function() n = n + 1 f() error('no more') end)))",
  "local function g(...) return select('#', ...), ... end return (g(f(), f(), f()))",
  "local t = {f(), f(), n = f()} return #t + t.n",
  "for i = 1, 2 do f() end return (function(...) return ... end)(f())",
  "return cjson.encode({f(), f()})",
  "return redis.call('echo', 'x', f())[3]",
];
const INNERMOST = "local n = 0 for i = 1, 3 do n = n + i end return n";

/** Ways within each other. What each gives is noted, and is a number to the next. */
const script = fc.array(fc.constantFrom(...WAYS), { minLength: 1, maxLength: 3 }).map((ways) => {
  const body = ways.reduce(
    (inner, way) => `local function f() return number((function()\n${inner}\nend)()) end\n${way}`,
    INNERMOST,
  );
  return `local notes = {}
local function number(value)
  notes[#notes + 1] = tostring(value)
  return tonumber(value) or 7
end
number((function()\n${body}\nend)())
return table.concat(notes, ' ')`;
});

it("scripts that are suspended at each instruction do what they do otherwise", () => {
  const plain = new ScriptBench();
  const restless = new ScriptBench();
  const { thread } = restless.engine;
  // The instruction at which it was suspended is counted again.
  thread.useHook((L) => thread.suspend(L), COUNT, 2);
  fc.assert(
    fc.property(script, (code) => {
      const before = restless.suspensions;
      const reply = restless.run(code);
      expect(reply, code).toBe(plain.run(code));
      expect(reply, code).toMatch(/^\$/);
      expect(restless.suspensions - before).toBeGreaterThan(10);
    }),
    { numRuns: RUNS },
  );
});

it.each(WAYS)("a script is suspended, and ended, within: %s", (way) => {
  const bench = new ScriptBench();
  bench.isRestless = true;
  const forEver = "local function f() while true do pcall(function() while true do end end) end end";
  expect(bench.kill(`${forEver}\n${way}`)).toMatch(
    /^-ERR Script killed by user with SCRIPT KILL\.\.\. script: sha, on @user_script:1\.\r\n$/,
  );
  expect(bench.run("return 1")).toBe(":1\r\n");
});

it.each([
  "select(2, pcall(nest, n - 1))",
  "select(2, xpcall(function() return nest(n - 1) end, error))",
  "coroutine.wrap(nest)(n - 1)",
  "setmetatable({}, {__index = function() return nest(n - 1) end}).x",
  "(string.gsub('a', 'a', function() return nest(n - 1) end))",
  "table.sort({2, 1}, function() n = nest(n - 1) end)",
])("a script is suspended however deeply calls are nested, up to what Lua allows: %s", (call) => {
  const bench = new ScriptBench();
  bench.isRestless = true;
  const code = `local calls = 0
local function nest(n)
  calls = calls + 1
  if n == 0 then for i = 1, 30000 do end return 0 end
  local result = ${call}
  return result
end
nest(190)
return calls`;
  expect(bench.run(code)).toBe(":191\r\n");
  expect(bench.suspensions).toBeGreaterThan(1);
});
