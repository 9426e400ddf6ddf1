/** What replicas get is never ahead of what the append-only file has safe. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { SafeOffset } from "../../../src/server/replication/safe-offset.ts";

test("follows the positions that are safe, and never runs ahead of them", () => {
  const step = fc.record({ written: fc.nat(50), streamed: fc.nat(50), isSynced: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const safe = new SafeOffset(0);
      const history: { position: number; offset: number }[] = [{ position: 0, offset: 0 }];
      let appended = 0;
      let gatePosition = 0;
      let offset = 0;
      for (const { isSynced, streamed, written } of steps) {
        appended += written;
        // Only what was written to the log as well has to wait for it.
        if (written > 0) offset += streamed;
        gatePosition += Math.floor(((appended - gatePosition) * isSynced) / 100);
        history.push({ position: appended, offset });
        safe.advance({ appended, gatePosition }, offset);
        const allowed = history.filter(({ position }) => position <= gatePosition);
        expect(safe.value).toBe(Math.max(...allowed.map((mark) => mark.offset)));
      }
      safe.advance({ appended, gatePosition: Number.POSITIVE_INFINITY }, offset);
      expect(safe.value).toBe(offset);
    }),
  );
});
