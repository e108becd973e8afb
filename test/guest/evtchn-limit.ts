// @xenlet timeout=120 test-timeout=100
// Every port that a domain may have, and the error for one more.
// In dom0 Xen's own limit is the ABI's: 4,095 ports with 2-level (0 is not a port). Fails if a port is handed out
// twice, if its event is not found, or if the end comes early or under another name.

import { DOMID_SELF, evtchn } from "xenlet";
import { ENOSPC } from "xenlet/raw/errno";
import { expect, group, needs, test } from "xenlet/test";

const PORTS: u32 = 4095;
const seen = new StaticArray<bool>(PORTS + 1);

group(
  "2-level",
  () => {
    test("4,095 ports, each its own, and then -ENOSPC", () => {
      let bound: u32 = 0;
      let result: i64 = 0;
      while ((result = evtchn.bindIpi()) > 0) {
        assert(!seen[<i32>result]);
        seen[<i32>result] = true;
        bound++;
      }
      expect(result).toBe(-ENOSPC);
      expect(bound).toBe(PORTS);
      expect(evtchn.allocUnbound(DOMID_SELF)).toBe(-ENOSPC);
      expect(evtchn.bindVirq(0)).toBe(-ENOSPC);
    });

    test("all of them raised, all of them found, each once", () => {
      for (let port = PORTS; port > 0; port--) {
        assert(evtchn.unmask(port) == 0);
        assert(evtchn.send(port) == 0);
      }
      let found: u32 = 0;
      let sum: u32 = 0;
      let port: u32 = 0;
      while ((port = evtchn.scan()) != 0) {
        found++;
        sum += port;
      }
      expect(found).toBe(PORTS);
      expect(sum).toBe((PORTS * (PORTS + 1)) / 2);
    });

    test("a port that is given back is the next one handed out", () => {
      expect(evtchn.close(1234)).toBe(0);
      expect(evtchn.bindIpi()).toBe(1234);
      expect(evtchn.bindIpi()).toBe(-ENOSPC);
    });

    test("reset gives all of them back", () => {
      expect(evtchn.reset()).toBe(0);
      expect(evtchn.bindIpi()).toBe(1);
    });
  },
  needs("dom0"),
);
