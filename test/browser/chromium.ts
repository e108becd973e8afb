// Debian's Chromium, headless, run from the package cache: nothing is installed and nothing needs root. It is
// driven by the DevTools protocol over a pipe, which takes no port and no WebSocket.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Readable, Writable } from "node:stream";

import { provideSet, type SetRecipe } from "../../src/host/debian/sets.js";
import type { Progress } from "../../src/host/base/progress.js";

const BINARY = "usr/lib/chromium/chromium-headless-shell";
const MULTIARCH = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
const LIBRARIES = "libraries";

/**
 * glibc's own parts. Chromium starts its other processes by /proc/self/exe, so it cannot be run under a loader of
 * its own as QEMU is; and under the machine's loader, libc must be the machine's, too.
 */
const GLIBC =
  /^(?:ld-linux.*|lib(?:c|m|pthread|dl|rt|util|resolv|anl|mvec|nsl|thread_db|BrokenLocale|c_malloc_debug|memusage|pcprofile|nss_\w+))\.so/;

const KEPT = [
  /^(?:usr\/)?lib\/x86_64-linux-gnu\/(?:pulseaudio\/)?[^/]+\.(?:so[^/]*|chk)$/,
  /^usr\/lib\/chromium\/(?:chromium-headless-shell|[^/]*\.(?:pak|dat|bin)|lib[^/]*\.so[^/]*)$/,
  /^usr\/share\/fonts\//,
  /^usr\/share\/doc\/[^/]+\/copyright$/,
];

const RECIPE: SetRecipe = {
  name: "chromium",
  title: "Chromium",
  suite: "bookworm",
  packages: ["chromium-headless-shell"],
  closure: true,
  keep: (path) => KEPT.some((pattern) => pattern.test(path)),
  // One folder with a link to every library that is not glibc's.
  finish: async (tree) => {
    const folder = join(tree, LIBRARIES);
    await mkdir(folder);
    for (const place of [...MULTIARCH, ...MULTIARCH.map((one) => `${one}/pulseaudio`)])
      for (const name of await readdir(join(tree, place)).catch(() => []))
        if (/\.so(?:\.|$)/.test(name) && !GLIBC.test(name))
          await symlink(relative(folder, join(tree, place, name)), join(folder, name));
  },
};

/** A command's answer, or an event. */
interface Message {
  id?: number;
  sessionId?: string;
  method?: string;
  params?: Record<string, unknown>;
  result?: unknown;
  error?: { message: string };
}

type Params = Record<string, unknown>;

/** How long it may take to answer a command. */
const ANSWER_MS = 30_000;

export class Browser {
  #next = 1;
  #rest = "";
  #stderr = "";
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Set<(message: Message) => void>();

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {
    const answers = child.stdio[4] as Readable;
    answers.setEncoding("utf8").on("data", (text: string) => {
      this.#take(text);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    // A command that can no longer be written is reported by its missing answer.
    (child.stdio[3] as Writable).on("error", () => undefined);
    child.on("error", (error) => {
      this.#end(error.message);
    });
    child.on("exit", (code, signal) => {
      this.#end(`it ended (${signal ?? code ?? "?"}): ${this.#stderr}`);
    });
  }

  static async start(progress: Progress): Promise<Browser> {
    const { tree } = await provideSet(RECIPE, progress);
    const folder = await mkdtemp(join(tmpdir(), "xenlet-chromium-"));
    await writeFile(
      join(folder, "fonts.conf"),
      `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>${tree}/usr/share/fonts</dir><cachedir>${folder}/fonts</cachedir></fontconfig>\n`,
    );
    const child = spawn(
      join(tree, BINARY),
      [
        "--remote-debugging-pipe",
        `--user-data-dir=${join(folder, "profile")}`,
        // Its sandbox needs user namespaces or root's help; what it shows is our own page.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "about:blank",
      ],
      {
        stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: folder,
          LANG: "C.UTF-8",
          LD_LIBRARY_PATH: join(tree, LIBRARIES),
          FONTCONFIG_FILE: join(folder, "fonts.conf"),
        },
      },
    );
    const browser = new Browser(child, folder);
    await browser.send("Browser.getVersion");
    return browser;
  }

  #take(text: string): void {
    const [rest = "", ...complete] = (this.#rest + text).split("\0").reverse();
    this.#rest = rest;
    for (const json of complete.reverse()) {
      const message = JSON.parse(json) as Message;
      if (message.id === undefined) for (const listener of this.#listeners) listener(message);
      else this.#answer(message.id, message);
    }
  }

  #answer(id: number, message: Message): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(message);
  }

  #end(why: string): void {
    for (const id of this.#waiting.keys()) this.#answer(id, { error: { message: why } });
  }

  async send<T = unknown>(method: string, params: Params = {}, sessionId?: string): Promise<T> {
    const id = this.#next++;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    const timer = setTimeout(() => {
      this.#answer(id, { error: { message: `no answer within ${String(ANSWER_MS)} ms` } });
    }, ANSWER_MS);
    (this.child.stdio[3] as Writable).write(
      `${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`,
    );
    const { error, result } = await answer;
    clearTimeout(timer);
    if (error !== undefined) throw new Error(`Chromium, ${method}: ${error.message}`);
    return result as T;
  }

  /** A tab, with all that the page says or asks for kept. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.send<{ targetId: string }>("Target.createTarget", {
      url: "about:blank",
    });
    const { sessionId } = await this.send<{ sessionId: string }>("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    const page = new Page(this, sessionId, targetId);
    this.#listeners.add((message) => {
      if (message.sessionId === sessionId) page.take(message);
    });
    await page.load(url);
    return page;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill("SIGKILL");
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class Page {
  /** Addresses that it asked for, its own first. */
  readonly requests: string[] = [];
  /** Errors that its script threw, and what the browser had to say: a policy that was broken, say. */
  readonly complaints: string[] = [];
  #loaded: (() => void) | null = null;

  constructor(
    private readonly browser: Browser,
    private readonly sessionId: string,
    private readonly targetId: string,
  ) {}

  take({ method = "", params }: Message): void {
    switch (method) {
      case "Network.requestWillBeSent":
        this.requests.push((params as { request: { url: string } }).request.url);
        break;
      case "Page.loadEventFired":
        this.#loaded?.();
        break;
      case "Runtime.exceptionThrown":
      case "Log.entryAdded":
      case "Runtime.consoleAPICalled":
        this.complaints.push(JSON.stringify(params));
    }
  }

  send<T = unknown>(method: string, params: Params = {}): Promise<T> {
    return this.browser.send<T>(method, params, this.sessionId);
  }

  async load(url: string): Promise<void> {
    for (const domain of ["Network", "Page", "Runtime", "Log"]) await this.send(`${domain}.enable`);
    const loaded = new Promise<void>((resolve) => (this.#loaded = resolve));
    await this.send("Page.navigate", { url });
    await loaded;
  }

  /** The value of an expression, as JSON has it. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send<{
      result: { value?: unknown };
      exceptionDetails?: { exception?: { description?: string } };
    }>("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? "the expression threw");
    return result.value as T;
  }

  /** In CSS pixels. */
  async resize(width: number, height: number): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: false,
    });
  }

  async emulate({
    media = "screen",
    dark = false,
  }: {
    media?: string;
    dark?: boolean;
  }): Promise<void> {
    await this.send("Emulation.setEmulatedMedia", {
      media,
      features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }],
    });
  }

  /** A key goes down and up: "Tab", "Enter", "ArrowRight", " ". */
  async press(key: string): Promise<void> {
    const codes: Record<string, number> = { Tab: 9, Enter: 13, " ": 32, ArrowRight: 39 };
    const event = {
      key,
      code: key === " " ? "Space" : key,
      windowsVirtualKeyCode: codes[key] ?? 0,
      ...(key === "Enter" ? { text: "\r" } : key === " " ? { text: " " } : {}),
    };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** All of it, as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.send<{ data: string }>("Page.captureScreenshot", {
      captureBeyondViewport: true,
    });
    return Buffer.from(data, "base64");
  }

  /** As it is printed, as PDF. */
  async print(): Promise<Buffer> {
    const { data } = await this.send<{ data: string }>("Page.printToPDF", {
      printBackground: false,
    });
    return Buffer.from(data, "base64");
  }

  async close(): Promise<void> {
    await this.browser.send("Target.closeTarget", { targetId: this.targetId });
  }
}
