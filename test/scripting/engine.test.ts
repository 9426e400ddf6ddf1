/**
 * Scripts in the VM alone, without a server: the libraries against JavaScript's own ideas of their formats, what one
 * script leaves for the next, and the limit of memory. What Redis answers is compared in test/integration.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { Request } from "../../src/protocol/request.ts";
import { Engine } from "../../src/scripting/engine.ts";
import type { ScriptHost } from "../../src/scripting/host.ts";

const MEGABYTE = 1024 * 1024;

/** A VM with a server that knows one command, which answers its arguments. */
class Bench {
  readonly engine: Engine;
  private readonly reply = new ReplyWriter();

  /** @param isRestless scripts are suspended wherever they can be */
  constructor(limitBytes = 64 * MEGABYTE, isRestless = false) {
    const { reply } = this;
    const host: ScriptHost = {
      reply,
      call(request) {
        reply.array(request.argc);
        for (let i = 0; i < request.argc; i++) reply.bulk(Buffer.from(request.bytes(i)));
        return undefined;
      },
      setResp() {},
      setPropagation() {},
      mayCall: () => true,
      log() {},
      mustEndLoading: () => false,
      mustSuspend: () => isRestless,
      mustEnd: () => false,
    };
    this.engine = new Engine(host, limitBytes, true);
  }

  /** The reply to a script with these arguments, one character per byte. */
  run(script: string, ...args: readonly Buffer[]): string {
    const compiled = this.engine.compile(Buffer.from(script, "latin1"), 0, "user_script");
    if ("error" in compiled) throw new Error(compiled.error);
    const request = Request.of("EVAL", script, "0", ...args);
    this.reply.reset();
    let state = this.engine.start(compiled.reference, { request, firstKey: 3, keys: 0 });
    while (state === "suspended") state = this.engine.resume();
    this.engine.finish("sha", 2);
    return this.reply.buf.toString("latin1", 0, this.reply.end);
  }

  /** The bytes of a bulk reply. */
  bulk(script: string, ...args: readonly Buffer[]): Buffer {
    const reply = this.run(script, ...args);
    expect(reply[0], reply).toBe("$");
    return Buffer.from(reply.slice(reply.indexOf("\n") + 1, -2), "latin1");
  }
}

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

describe("a script that is suspended again and again", () => {
  it("gets what pcall and gsub give, wherever it was", () => {
    const bench = new Bench(undefined, true);
    const script = `
      local wrong = 0
      local function long() local n = 0 for i = 1, 11000 do n = n + 1 end return n end
      for i = 1, 3000 do
        local isFine, value = pcall(long)
        if not isFine or value ~= 11000 then wrong = wrong + 1 end
        if i % 10 == 0 and string.gsub('ab', '%w', long) ~= '1100011000' then wrong = wrong + 1 end
      end
      return wrong`;
    expect(bench.run(script)).toBe(":0\r\n");
  });
});

describe("libraries", () => {
  it("cjson reads what JSON.stringify writes, and JSON.parse what cjson writes", () => {
    const bench = new Bench();
    fc.assert(
      fc.property(values, (value) => {
        const json = Buffer.from(JSON.stringify(value));
        const back = bench.bulk("return cjson.encode(cjson.decode(ARGV[1]))", json);
        expect(JSON.parse(back.toString())).toEqual(value);
      }),
    );
  });

  it("cmsgpack unpacks what it packed", () => {
    const bench = new Bench();
    const script = "return cjson.encode(cmsgpack.unpack(cmsgpack.pack(cjson.decode(ARGV[1]))))";
    fc.assert(
      fc.property(values, (value) => {
        const back = bench.bulk(script, Buffer.from(JSON.stringify(value)));
        expect(JSON.parse(back.toString())).toEqual(value);
      }),
    );
  });

  it("struct packs integers and doubles as a DataView does", () => {
    const bench = new Bench();
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
    const bench = new Bench();
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
    const bench = new Bench();
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
    const bench = new Bench();
    expect(bench.run(script)).toContain("Attempt to modify a readonly table");
    expect(
      bench.run("return {type(redis.call), #redis.sha1hex(''), ('abc'):sub(2), tostring(rawget(_G, 'x'))}"),
    ).toBe("*4\r\n$8\r\nfunction\r\n:40\r\n$2\r\nbc\r\n$3\r\nnil\r\n");
  });

  it("loads no compiled code", () => {
    const bench = new Bench();
    expect(bench.run("return tostring(loadstring(string.dump(function() end)))")).toBe("$3\r\nnil\r\n");
    expect("error" in bench.engine.compile(Buffer.from("\u001bLua"), 0, "user_script")).toBe(true);
  });
});

it("a script that needs more memory than there may be gets an error, and the next one runs", () => {
  const bench = new Bench(32 * MEGABYTE);
  expect(bench.run("local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end")).toMatch(
    /^-ERR.*memory/,
  );
  expect(bench.engine.vm.reservedBytes).toBeLessThanOrEqual(32 * MEGABYTE);
  expect(bench.run("return 1")).toBe(":1\r\n");
});
