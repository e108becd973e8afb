/**
 * Which mirror packages come from. What it shows: the machine's own Debian archive is
 * found in what apt prints, whatever else is among its sources. Why it matters: the
 * address is written nowhere else, and a third party's "bookworm" must not be taken
 * for Debian's without its signature. How it would fail: no mirror on a machine that
 * has one, or a list that lets unsigned packages through.
 */
import { describe, expect, test } from "vitest";
import { UserError } from "../../../src/host/base/errors.js";
import {
  debianMirrors,
  mirrorsFromEnvironment,
  parseIndexUris,
  sourcesList,
} from "../../../src/host/debian/mirrors.js";

const DEBIAN = `'http://mirror.test/debian/dists/bookworm/InRelease' mirror.test_debian_dists_bookworm_InRelease 0 
'http://mirror.test/debian/dists/bookworm-updates/InRelease' x 0 
'http://mirror.test/debian-security/dists/bookworm-security/InRelease' x 0 
'http://mirror.test/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0 
'http://mirror.test/debian/dists/bookworm/main/binary-all/Packages.xz' x 0 
'http://mirror.test/debian/dists/bookworm/contrib/binary-amd64/Packages.xz' x 0 
'http://mirror.test/debian/dists/bookworm/main/i18n/Translation-en.xz' x 0 
`;

describe("what apt prints", () => {
  test("repositories with their components, each once", () => {
    expect(parseIndexUris(DEBIAN)).toEqual([
      { uri: "http://mirror.test/debian", suite: "bookworm", components: ["main", "contrib"] },
      { uri: "http://mirror.test/debian", suite: "bookworm-updates", components: [] },
      { uri: "http://mirror.test/debian-security", suite: "bookworm-security", components: [] },
    ]);
  });

  test("lines that are no repository's are passed over", () => {
    for (const line of [
      "",
      "Reading package lists...",
      "'http://a.test/flat/./Packages.xz' x 0",
      "'",
    ])
      expect(parseIndexUris(line)).toEqual([]);
  });
});

describe("Debian's archives among them", () => {
  const mirrors = (output: string) => debianMirrors(parseIndexUris(output));

  test("archive and security archive", () => {
    expect(mirrors(DEBIAN)).toEqual([
      { archive: "http://mirror.test/debian", security: "http://mirror.test/debian-security" },
    ]);
  });

  test("others' repositories are no candidates", () => {
    const others = `'https://tools.test/apt/dists/cloud-sdk-bookworm/InRelease' x 0
'https://tools.test/linux/debian/dists/bookworm/InRelease' x 0
'https://tools.test/linux/debian/dists/bookworm/stable/binary-amd64/Packages.xz' x 0
'https://pg.test/apt/dists/bookworm-pgdg/InRelease' x 0
'https://pg.test/apt/dists/bookworm-pgdg/12/binary-amd64/Packages.xz' x 0
'https://node.test/node_20.x/dists/nodistro/main/binary-amd64/Packages.xz' x 0
'http://ubuntu.test/ubuntu/dists/jammy/main/binary-amd64/Packages.xz' x 0
`;
    expect(mirrors(others)).toEqual([]);
    expect(mirrors(others + DEBIAN)).toEqual(mirrors(DEBIAN));
  });

  test("a list of mirrors, a folder and a disc", () => {
    const line = (uri: string) => `'${uri}/dists/stable/InRelease' x 0 \n`;
    expect(mirrors(line("mirror+file:/etc/apt/mirrors/debian.list"))).toEqual([
      { archive: "mirror+file:/etc/apt/mirrors/debian.list", security: null },
    ]);
    // apt uses a file: archive in place: nothing would arrive where it is unpacked from.
    expect(mirrors(line("file:/srv/debian"))).toEqual([
      { archive: "copy:/srv/debian", security: null },
    ]);
    expect(mirrors(line("cdrom:[Debian 12]"))).toEqual([]);
  });
});

describe("XENLET_MIRROR", () => {
  test("one address, or two", () => {
    expect(mirrorsFromEnvironment("http://m.test/debian/")).toEqual({
      archive: "http://m.test/debian",
      security: null,
    });
    expect(mirrorsFromEnvironment(" http://m.test/debian  https://m.test/sec ")).toEqual({
      archive: "http://m.test/debian",
      security: "https://m.test/sec",
    });
  });

  test("not set", () => {
    expect(mirrorsFromEnvironment(undefined)).toBeNull();
    expect(mirrorsFromEnvironment(" ")).toBeNull();
  });

  test.each([
    "mirror.test/debian",
    "http://m.test/[trusted=yes]",
    "http://a.test/x http://b.test/y http://c.test/z",
  ])("%s is refused", (value) => {
    expect(() => mirrorsFromEnvironment(value)).toThrow(UserError);
  });
});

test("a sources list names the keyring and lets nothing unsigned through on any line", () => {
  const mirrors = { archive: "http://m.test/debian", security: "http://m.test/sec" };
  const lines = sourcesList("trixie", mirrors, "/keys/debian.gpg").trimEnd().split("\n");
  expect(lines.map((line) => line.replace(/\[.*\] /, ""))).toEqual([
    "deb http://m.test/debian trixie main",
    "deb http://m.test/debian trixie-updates main",
    "deb http://m.test/sec trixie-security main",
  ]);
  for (const line of lines) {
    expect(line).toContain("signed-by=/keys/debian.gpg");
    expect(line).toContain("allow-insecure=no");
    expect(line).not.toMatch(/trusted|allow-insecure=yes/);
  }
  expect(sourcesList("trixie", { ...mirrors, security: null }, "/k")).not.toContain("security");
});
