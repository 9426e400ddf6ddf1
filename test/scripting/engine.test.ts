/**
 * Scripts in the VM alone, without a server: the libraries against JavaScript's own ideas of their formats, what one
 * script leaves for the next, and the limit of memory. What Redis answers is compared in test/integration.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScriptBench } from "../support/script-bench.ts";

const MEGABYTE = 1024 * 1024;

/** Values that JSON and Lua agree about: no empty arrays, no nulls at the end. */
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.array(tie("value"), { minLength: 1, maxLength: 4 }),
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
      tie("value"),
      { minKeys: 1, maxKeys: 3 },
    ),
  ),
})).value;

describe("libraries", () => {
  it("cjson reads what JSON.stringify writes, and JSON.parse what cjson writes", () => {
    const bench = new ScriptBench();
    fc.assert(
      fc.property(values, (value) => {
        const json = Buffer.from(JSON.stringify(value));
        const back = bench.bulk("return cjson.encode(cjson.decode(ARGV[1]))", json);
        expect(JSON.parse(back.toString())).toEqual(value);
      }),
    );
  });

  it("cmsgpack unpacks what it packed", () => {
    const bench = new ScriptBench();
    const script = "return cjson.encode(cmsgpack.unpack(cmsgpack.pack(cjson.decode(ARGV[1]))))";
    fc.assert(
      fc.property(values, (value) => {
        const back = bench.bulk(script, Buffer.from(JSON.stringify(value)));
        expect(JSON.parse(back.toString())).toEqual(value);
      }),
    );
  });

  it("struct packs integers and doubles as a DataView does", () => {
    const bench = new ScriptBench();
    fc.assert(
      fc.property(fc.integer(), fc.double({ noNaN: true }), fc.boolean(), (integer, double, isLittle) => {
        const view = new DataView(new ArrayBuffer(12));
        view.setInt32(0, integer, isLittle);
        view.setFloat64(4, double, isLittle);
        const format = `${isLittle ? "<" : ">"}id`;
        const bytes = new Uint8Array(view.buffer);
        const packed = bench.bulk(
          `return struct.pack('${format}', struct.unpack('${format}', ARGV[1]))`,
          Buffer.from(bytes),
        );
        expect(packed).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("bit works on 32 bits, as JavaScript does", () => {
    const bench = new ScriptBench();
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        const reply = bench.run(
          `return {bit.band(${a},${b}), bit.bxor(${a},${b}), bit.lshift(${a},${b}), bit.arshift(${a},${b})}`,
        );
        expect(reply).toBe(`*4\r\n:${a & b}\r\n:${a ^ b}\r\n:${a << b}\r\n:${a >> b}\r\n`);
      }),
    );
  });

  it("arguments and replies hold any bytes", () => {
    const bench = new ScriptBench();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        const argument = Buffer.from(bytes);
        expect(bench.bulk("return redis.call('echo', ARGV[1])[2]", argument)).toEqual(argument);
      }),
    );
  });
});

describe("the sandbox", () => {
  it.each([
    "redis = 1",
    "rawset(_G, 'redis', 1)",
    "redis.call = 1",
    "rawset(redis, 'call', 1)",
    "table.insert(_G, 1)",
    "setmetatable(_G, {})",
    "getmetatable(_G).__index = 1",
    "getmetatable('').__index = 1",
    "string.sub = 1",
    "for k, v in pairs(_G) do if type(v) == 'table' then v.x = 1 end end",
    "local f, t = pairs(redis) t.call = 1",
    "cjson.null = 1",
  ])("is the same after %s", (script) => {
    const bench = new ScriptBench();
    expect(bench.run(script)).toContain("Attempt to modify a readonly table");
    expect(
      bench.run("return {type(redis.call), #redis.sha1hex(''), ('abc'):sub(2), tostring(rawget(_G, 'x'))}"),
    ).toBe("*4\r\n$8\r\nfunction\r\n:40\r\n$2\r\nbc\r\n$3\r\nnil\r\n");
  });

  it("loads no compiled code", () => {
    const bench = new ScriptBench();
    expect(bench.run("return tostring(loadstring(string.dump(function() end)))")).toBe("$3\r\nnil\r\n");
    expect("error" in bench.engine.compile(Buffer.from("\u001bLua"), 0, "user_script")).toBe(true);
  });
});

it("a script that needs more memory than there may be gets an error, and the next one runs", () => {
  const bench = new ScriptBench(32 * MEGABYTE);
  expect(bench.run("local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end")).toMatch(
    /^-ERR.*memory/,
  );
  expect(bench.engine.vm.reservedBytes).toBeLessThanOrEqual(32 * MEGABYTE);
  expect(bench.run("return 1")).toBe(":1\r\n");
});
