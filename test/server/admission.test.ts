/**
 * Who may connect: the limit of clients, and protected mode.
 */
import { describe, expect, it } from "vitest";
import { PROTECTED_MODE, TOO_MANY_CLIENTS } from "../../src/protocol/errors.ts";
import { isLocalAddress, refusalOf } from "../../src/server/admission.ts";

const ELSEWHERE = "192.0.2.7:40000";

describe("refusalOf", () => {
  it("lets in as many clients as configured", () => {
    expect(refusalOf(2, true, 1, "127.0.0.1:40000")).toBeUndefined();
    expect(refusalOf(2, true, 2, "127.0.0.1:40000")).toBe(TOO_MANY_CLIENTS);
  });

  it("keeps other machines out while there is no password", () => {
    expect(refusalOf(2, true, 0, ELSEWHERE)).toBe(PROTECTED_MODE);
    expect(refusalOf(2, true, 0, "[2001:db8::1]:40000")).toBe(PROTECTED_MODE);
    expect(refusalOf(2, false, 0, ELSEWHERE)).toBeUndefined();
  });
});

describe("isLocalAddress", () => {
  it("knows the loopback interface in both families, and what is no network address", () => {
    for (const address of ["127.0.0.1:1", "127.1.2.3:65535", "[::1]:1", "", "/tmp/socket:0", "1.socket:0"]) {
      expect(isLocalAddress(address), address).toBe(true);
    }
    for (const address of ["128.0.0.1:1", "10.0.0.1:127", "[::2]:1", "[fe80::1]:1"]) {
      expect(isLocalAddress(address), address).toBe(false);
    }
  });
});
