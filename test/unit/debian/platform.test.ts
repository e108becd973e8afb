/**
 * Which machines `doctor` takes. Why it matters: on a machine that can never work, a list of packages to install is
 * an hour lost. How it would fail: an ARM Linux that is told to install gcc, a Debian that is not known by its name.
 */
import { expect, test } from "vitest";
import { systemCheck, unsupported } from "../../../src/host/debian/platform.js";

test.each([
  ["linux", "arm64", /^xenlet needs Linux on x86-64, and this is Linux on ARM: /],
  ["darwin", "arm64", /this is macOS on ARM/],
  ["darwin", "x64", /this is macOS on x86-64/],
  ["win32", "x64", /this is Windows on x86-64/],
  ["freebsd", "x64", /this is freebsd on x86-64/],
])("%s on %s is refused in one sentence", (platform, arch, sentence) => {
  const why = unsupported({ platform, arch, osRelease: "" });
  expect(why).toMatch(sentence);
  expect(why).not.toContain("\n");
});

test("Linux on x86-64 is not", () => {
  expect(unsupported({ platform: "linux", arch: "x64", osRelease: "" })).toBeNull();
});

test.each([
  ['ID=debian\nVERSION_ID="12"\n', "Debian 12", true],
  ['PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n', "Debian 13", true],
  ['NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n', "Ubuntu 24.04", true],
  ['PRETTY_NAME="Fedora Linux 40"\nID=fedora\nVERSION_ID=40\n', "Fedora Linux 40", false],
  ["", null, false],
])("%j", (osRelease, version, present) => {
  const check = systemCheck({ platform: "linux", arch: "x64", osRelease });
  // Another system may do as well: it is not refused.
  expect(check).toMatchObject({ version, present, needed: "optional" });
});
