/**
 * The library cjson.
 */
import type { LuaState } from "../lua-module.ts";
import type { LuaVm } from "../lua-vm.ts";
import { BytesOut } from "./bytes-out.ts";
import { JsonDecoder } from "./json-decoder.ts";
import { JsonEncoder } from "./json-encoder.ts";
import { JsonSettings } from "./json-settings.ts";

/** Adds the functions to the table on top of the stack. */
export function installJson(vm: LuaVm, L: LuaState): void {
  const { api } = vm;
  const settings = new JsonSettings();
  vm.setFunction(L, "encode", new JsonEncoder(vm, settings, new BytesOut()).encode);
  vm.setFunction(L, "decode", new JsonDecoder(vm, settings).decode);
  settings.install(vm, L);
  vm.setFunction(L, "new", (state) => {
    api.lua_createtable(state, 0, 16);
    installJson(vm, state);
    return 1;
  });
  vm.setField(L, "null", () => api.lua_pushlightuserdata(L, 0));
  vm.setText(L, "_NAME", "cjson");
  vm.setText(L, "_VERSION", "2.1.0");
}
