/**
 * What apt says, understood. What it shows: its list of downloads, and its complaints
 * turned into what happened and what fixes it. Why it matters: a full disk, a missing
 * network and a bad signature are fixed differently. How it would fail: every trouble
 * told as "not on the mirror"; a package left out because of a colon in its version.
 */
import { expect, test } from "vitest";
import { UserError } from "../../../src/host/base/errors.js";
import {
  MirrorUnreachable,
  NotOnMirror,
  explainApt,
  parseDownloads,
} from "../../../src/host/debian/apt.js";

test("downloads: names, versions with epochs, sizes; with and without checksum", () => {
  const output = `NOTE: something
'http://m.test/pool/z/zlib1g_1.2.13.dfsg-1_amd64.deb' zlib1g_1%3a1.2.13.dfsg-1_amd64.deb 86684 MD5Sum:ec42
'http://m.test/pool/l/libstdc%2b%2b6_12.2.0-14%2bdeb12u1_amd64.deb' libstdc++6_12.2.0-14+deb12u1_amd64.deb 612604 
'http://m.test/pool/s/seabios_1.16.2-1_all.deb' seabios_1.16.2-1_all.deb 162656 SHA256:00
`;
  expect(parseDownloads(output)).toEqual([
    {
      name: "zlib1g",
      version: "1:1.2.13.dfsg-1",
      architecture: "amd64",
      file: "zlib1g_1%3a1.2.13.dfsg-1_amd64.deb",
      bytes: 86684,
    },
    {
      name: "libstdc++6",
      version: "12.2.0-14+deb12u1",
      architecture: "amd64",
      file: "libstdc++6_12.2.0-14+deb12u1_amd64.deb",
      bytes: 612604,
    },
    {
      name: "seabios",
      version: "1.16.2-1",
      architecture: "all",
      file: "seabios_1.16.2-1_all.deb",
      bytes: 162656,
    },
  ]);
});

test("a name that leads elsewhere is no download", () => {
  expect(parseDownloads("'http://m.test/x' ../../evil_1_all.deb 5 ")).toEqual([]);
});

test.each([
  [
    "W: Failed to fetch http://m.test/x  Temporary failure resolving 'm.test'",
    /cannot reach the mirror/,
  ],
  ["E: Failed to fetch http://m.test/x  Could not connect to m.test:80", /cannot reach the mirror/],
  ["W: GPG error: http://m.test bookworm InRelease: NO_PUBKEY 0E98404D386FA1D9", /signature/],
  ["E: The repository 'http://m.test bookworm InRelease' is not signed.", /signature/],
  ["E: Write error - write (28: No space left on device)", /disk is full/],
  ["E: You don't have enough free space in /x/.", /disk is full/],
  ["E: Failed to fetch http://m.test/x.deb  Hash Sum mismatch", /data was altered on the way/],
  ["E: Clearsigned file isn't valid, got 'NOSPLIT'", /data was altered on the way/],
  ["E: Unable to locate package xen", /not on the mirror/],
])("%s", (stderr, expected) => {
  const error = explainApt("Xen", stderr, "/cache");
  expect(error).toBeInstanceOf(UserError);
  expect(error.message).toMatch(expected);
  expect(error).toMatchObject({ exitCode: 122, hint: expect.stringMatching(/\w/) as unknown });
  // Only this one is not worth another try.
  expect(error instanceof MirrorUnreachable).toBe(error.message.includes("reach"));
});

test.each([
  ["E: The repository 'http://m.test bullseye Release' does not have a Release file.", true],
  ["E: Unable to locate package xen", true],
  ["E: Could not connect to m.test:80", false],
  ["E: The repository 'http://m.test bookworm InRelease' is not signed.", false],
  ["E: something that nobody has heard of", false],
])("%s: is what was asked for gone? %s", (stderr, gone) => {
  expect(explainApt("Xen", stderr, "/cache") instanceof NotOnMirror).toBe(gone);
});
