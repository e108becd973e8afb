// A registry for npm that knows the versions which package-lock.json names, and packages of this repository's own: what
// a test installs does not depend on what was published since, and its bytes come from npm's cache where `npm ci` left
// them.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { execa } from "execa";
import { z } from "zod";

/** What of a package npm asks for before it installs it, as package-lock.json has it. */
const FIELDS = [
  "dependencies",
  "optionalDependencies",
  "peerDependencies",
  "peerDependenciesMeta",
  "bin",
  "engines",
  "os",
  "cpu",
  "hasInstallScript",
];
const Locked = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  integrity: z.string().optional(),
});
const Lock = z.object({ packages: z.record(z.string(), Locked) });

interface Version {
  name: string;
  version: string;
  dist: { tarball: string; integrity: string };
}

export interface Registry {
  url: string;
  close(): Promise<void>;
}

/** `own`: the package that `npm pack` made of the repository `root`. */
export async function serveRegistry(root: string, own: string): Promise<Registry> {
  const packages = new Map<string, Version[]>();
  const server = createServer((request, response) => {
    void answer(request.url ?? "", response).catch((error: unknown) => {
      response.writeHead(502).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const add = (name: string, version: string, integrity: string, fields: object): void => {
    const tarball = `${url}/${name}/-/${path.basename(name)}-${version}.tgz`;
    const known = packages.get(name) ?? [];
    packages.set(name, [...known, { name, version, dist: { tarball, integrity }, ...fields }]);
  };
  const lock = Lock.parse(JSON.parse(await readFile(path.join(root, "package-lock.json"), "utf8")));
  for (const [place, locked] of Object.entries(lock.packages)) {
    const name = locked.name ?? place.split("node_modules/").at(-1) ?? "";
    if (place === "" || locked.version === undefined || locked.integrity === undefined) continue;
    const fields = Object.entries(locked).filter(([field]) => FIELDS.includes(field));
    add(name, locked.version, locked.integrity, Object.fromEntries(fields));
  }
  const bytes = await readFile(own);
  const manifest = Locked.parse(
    JSON.parse(await readFile(path.join(root, "package.json"), "utf8")),
  );
  const ownIntegrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const ownName = manifest.name ?? "";
  add(ownName, manifest.version ?? "", ownIntegrity, manifest);

  const { stdout: upstream } = await execa("npm", ["config", "get", "registry"], { cwd: root });
  async function answer(request: string, response: ServerResponse): Promise<void> {
    const asked = decodeURIComponent(request.slice(1));
    const versions = packages.get(asked);
    if (versions !== undefined) {
      const latest = versions.at(-1)?.version;
      const all = Object.fromEntries(versions.map((one) => [one.version, one]));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ name: asked, "dist-tags": { latest }, versions: all }));
    } else if (asked.startsWith(`${ownName}/-/`)) response.end(bytes);
    else if (asked.includes("/-/")) {
      const from = await fetch(new URL(asked, `${upstream.replace(/\/$/, "")}/`));
      response.writeHead(from.status).end(Buffer.from(await from.arrayBuffer()));
    } else response.writeHead(404).end("{}");
  }
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
