/**
 * `node dist/tools/build/suspendable-lua.js`, a part of the build: makes of the Lua that the package wasmoon-lua5.1 has
 * compiled to WebAssembly one whose calls can be suspended wherever a hook asks for it, and go on later
 * (src/scripting/suspension.ts).
 *
 * What lies on the stack then are functions of C. Binaryen's Asyncify has those return at once, and get back to where
 * they were: each saves its local variables in memory, and when it is called again, branches to the call that it was
 * in. That makes a function slower. So two are left nearly as they are. They return if what they have called is being
 * suspended, and something that stands in their places here knows how to go on later:
 *
 *  - luaV_execute, which executes Lua's instructions: all that it has to remember between two instructions is in its
 *    lua_State. It says which function it had called. That is called again, and the rest of the instruction is done
 *    (suspension.ts); then luaV_execute begins with the next one.
 *  - luaD_precall, which begins calls: those of functions of C it also ends. Such a function is called again, and that
 *    done.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import binaryen from "binaryen";

/** The module whose functions have the numbers below. */
const SHA256_OF_LUA = "cba969b97e8a319eba8996b5df488aed5cdd22a56f2de53b42598e474014e610";
const EXECUTE = 422;
const PRECALL = 209;
const POSCALL = 210;
/** What luaV_execute calls that may be suspended. The place in this list, from 1, tells suspension.ts which it was. */
const CALLED: readonly (readonly [name: string, place: number])[] = [
  ["luaV_gettable", 415],
  ["luaV_settable", 416],
  ["Arith", 423],
  ["call_binTM", 421],
  ["luaV_concat", 420],
  ["luaV_equalval", 419],
  ["luaV_lessthan", 417],
  ["call_orderTM", 418],
  ["luaD_precall", 209],
  ["luaD_call", 211],
];
/** "Less or equal" becomes two calls of that: the second, for "less" with the operands exchanged, has this number. */
const ORDER = 418;
const EXCHANGED_ORDER = CALLED.length + 1;
/** What else may lie on the stack when a hook is called, as far as scripts have it. No hook is called in what the
 * garbage collector calls; the handlers of errors, and what gives `load` its pieces, are called in other ways
 * (src/scripting/protected-calls.ts). */
const BETWEEN = {
  lua_lessthan: 19,
  lua_gettable: 40,
  lua_call: 53,
  lua_pcall: 54,
  f_call: 55,
  luaL_callmeta: 87,
  luaB_pcall: 125,
  luaB_tostring: 134,
  luaB_coresume: 139,
  auxresume: 140,
  auxwrap: 144,
  luaD_rawrunprotected: 205,
  lua_resume: 212,
  resume: 213,
  luaD_pcall: 215,
  str_gsub: 374,
  foreach: 397,
  foreachi: 398,
  sort: 404,
  auxsort: 405,
  sort_comp: 406,
};
/** The import through which C calls what may fail. */
const PROTECTED_CALL = "env.invoke_vii";
/** Asyncify's: 0, or 1 while calls are being suspended, or 2 while they are being resumed. */
const STATE = "$__asyncify_state";
const STACK_POINTER = "$global$0";
/** Offsets: in lua_State the top of the stack, the present frame, and the first one; in a frame, its function; in a
 * closure, its function of C. */
const TOP = 8;
const FRAME = 20;
const FIRST_FRAME = 40;
const FUNCTION = 4;
const C_FUNCTION = 16;
const FRAME_BYTES = 24;

const IMPORTS = `
 (import "env" "left" (func $left (param i32 i32 i32 i32 i32)))
 (import "env" "resumed" (func $resumed (result i32)))
 (import "env" "calls" (func $calls (result i32)))
 (import "env" "keep" (func $keep (param i32)))
 (import "env" "take" (func $take (result i32)))
`;
/** Stand in the places of luaV_execute and luaD_precall. */
const ENTRANCES = `
 (global $site (mut i32) (i32.const 0))
 (func $${EXECUTE} (param $state i32) (param $calls i32)
  (local $frame i32) (local $stack i32)
  (if (i32.eq (global.get ${STATE}) (i32.const 2))
   (then
    (local.set $state (call $resumed))
    (if (i32.eqz (local.get $state)) (then (return)))
    (local.set $calls (call $calls))))
  (local.set $frame
   (i32.sub (i32.load offset=${FRAME} (local.get $state)) (i32.load offset=${FIRST_FRAME} (local.get $state))))
  (local.set $stack (global.get ${STACK_POINTER}))
  (call $execute (local.get $state) (local.get $calls))
  (if (global.get ${STATE})
   (then
    (call $left (local.get $state) (local.get $calls) (local.get $frame) (local.get $stack) (global.get $site))
    (global.set $site (i32.const 0)))))
 (func $${PRECALL} (param $state i32) (param $fn i32) (param $results i32) (result i32)
  (local $frame i32) (local $stack i32) (local $result i32)
  (if (i32.eq (global.get ${STATE}) (i32.const 2))
   (then
    (local.set $frame (call $take))
    (local.set $stack (call $take))
    (local.set $result
     (call_indirect (param i32) (result i32) (local.get $state)
      (i32.load offset=${C_FUNCTION} (i32.load (i32.load offset=${FUNCTION}
       (i32.add (local.get $frame) (i32.load offset=${FIRST_FRAME} (local.get $state))))))))
    (if (i32.eqz (global.get ${STATE}))
     (then
      (global.set ${STACK_POINTER} (local.get $stack))
      (drop (call $${POSCALL} (local.get $state)
       (i32.sub (i32.load offset=${TOP} (local.get $state)) (i32.shl (local.get $result) (i32.const 4)))))
      (return (i32.const 1)))))
   (else
    (local.set $frame
     (i32.sub (i32.load offset=${FRAME} (local.get $state)) (i32.load offset=${FIRST_FRAME} (local.get $state))))
    (local.set $stack (global.get ${STACK_POINTER}))
    (local.set $result (call $precall (local.get $state) (local.get $fn) (local.get $results)))
    (if (i32.eqz (global.get ${STATE})) (then (return (local.get $result))))
    (local.set $frame (i32.add (local.get $frame) (i32.const ${FRAME_BYTES})))))
  (call $keep (local.get $stack))
  (call $keep (local.get $frame))
  (i32.const 0))
`;

/** The text of a function within that of its module, one instruction a line, and what comes before and after it. */
function cutOut(module: string, place: number): readonly [before: string, fn: string, after: string] {
  const start = module.indexOf(`\n (func $${place} `);
  const end = module.indexOf("\n )\n", start) + "\n )".length;
  if (start < 0 || end < start) throw new Error(`there is no function ${place}`);
  return [module.slice(0, start), module.slice(start, end), module.slice(end)];
}

/** luaV_execute with another name, and a return behind each call that may have been suspended. */
function executeWithReturns(code: string): string {
  const places = new Map(CALLED.map(([, place], i) => [place, i + 1]));
  let orders = 0;
  const changed = code.replace(/\n *call \$(\d+)(?=\n)/g, (call, digits: string) => {
    const place = Number(digits);
    const number = place === ORDER && ++orders === 2 ? EXCHANGED_ORDER : places.get(place);
    if (number === undefined) return call;
    return `${call}\nglobal.get ${STATE}\nif\ni32.const ${number}\nglobal.set $site\nreturn\nend`;
  });
  if (orders !== 2) throw new Error("luaV_execute does not compare as it did");
  return changed.replace(`$${EXECUTE} `, "$execute ");
}

/** luaD_precall with another name, and a return behind the call of a function of C. */
function precallWithReturn(code: string): string {
  const calls = [...code.matchAll(/\n *call_indirect \(type \$0\)/g)];
  if (calls.length !== 1) throw new Error("luaD_precall does not call as it did");
  const [call] = calls[0];
  return code
    .replace(call, `${call}\nglobal.get ${STATE}\nif\ni32.const 0\nreturn\nend`)
    .replace(`$${PRECALL} `, "$precall ");
}

function parsed(bytes: Buffer): binaryen.Module {
  const module = binaryen.readBinary(bytes);
  setFeatures(module);
  return module;
}

function setFeatures(module: binaryen.Module): void {
  const { MVP, MutableGlobals, SignExt } = binaryen.Features;
  module.setFeatures(MVP | MutableGlobals | SignExt);
}

/** @param lua the module of the package */
export function suspendable(lua: Buffer): Uint8Array {
  if (createHash("sha256").update(lua).digest("hex") !== SHA256_OF_LUA) {
    throw new Error(
      "this is another Lua than the one whose functions are listed in tools/build/suspendable-lua.ts",
    );
  }
  const original = parsed(lua).emitStackIR();
  const [, execute] = cutOut(original, EXECUTE);
  const [, precall] = cutOut(original, PRECALL);
  const module = parsed(lua);
  const suspended = [...CALLED.map(([, place]) => place), ...Object.values(BETWEEN)].map(String);
  binaryen.setPassArgument("asyncify-imports", PROTECTED_CALL);
  binaryen.setPassArgument("asyncify-onlylist", [`${EXECUTE}`, ...suspended].join(","));
  module.runPasses(["asyncify"]);
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  for (const name of suspended) module.optimizeFunction(name);
  for (const [name, place] of CALLED) module.addFunctionExport(String(place), name);
  let text = module.emitStackIR();
  for (const place of [EXECUTE, PRECALL]) {
    const [before, , after] = cutOut(text, place);
    text = before + after;
  }
  const firstImport = text.indexOf("\n (import ");
  text = text.slice(0, firstImport) + IMPORTS + text.slice(firstImport);
  const end = text.lastIndexOf("\n)");
  text =
    text.slice(0, end) +
    ENTRANCES +
    executeWithReturns(execute) +
    precallWithReturn(precall) +
    text.slice(end);
  const result = binaryen.parseText(text);
  setFeatures(result);
  if (result.validate() === 0) throw new Error("the suspendable Lua is no valid module");
  return result.emitBinary();
}

const program = fileURLToPath(import.meta.url);
if (process.argv[1] === program) {
  const require = createRequire(program);
  const lua = readFileSync(require.resolve("wasmoon-lua5.1/dist/liblua5.1.wasm"));
  writeFileSync(fileURLToPath(new URL("../../lua.wasm", import.meta.url)), suspendable(lua));
}
