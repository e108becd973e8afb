// The two pictures of docs/architecture.md, as SVG: what runs where, and the way of a line of TypeScript to a verdict. They name
// files and folders of the tree; the test beside this file holds them against it.

/** A part of the tree, and what it does. */
export type Row = readonly [path: string, text: string];

export const HOST: readonly Row[] = [
  ["src/host/cli/", "the commands"],
  ["src/host/suites/", "conformance, guest tests"],
  ["src/host/report/", "TAP, JUnit, JSON, HTML"],
  ["src/host/boot/", "one boot and its verdict"],
  ["src/host/xl/", "Debian's dom0, xl.cfg"],
  ["src/host/build/", "asc, Wasm to C, gcc, ld"],
  ["src/host/core/", "a crashed guest's ELF core"],
  ["src/host/debian/", "Debian's packages"],
  ["src/host/protocol/", "reads records"],
  ["src/host/elf/", "images, run block"],
  ["src/host/cache/", "downloads, build results"],
  ["src/host/base/", "errors, folders, progress"],
];

export const GUEST: readonly Row[] = [
  ["examples/", "or a program of yours"],
  ["src/guest/bindings/", "console, process, Date"],
  ["src/guest/xenlet/", "hypercalls, events, kexec"],
  ["runtime/wasm/", "what lowered code calls"],
  ["runtime/wasi/", "WASI for other languages"],
  ["boot/", "entry, page tables, traps"],
  ["linker/", "the image's layout"],
];

export const DOM0: readonly Row[] = [
  ["src/guest/toolstack/", "creates, serves, resets"],
  ["src/guest/conformance/", "the checks, both sides"],
  ["xl/", "or Debian's Linux with xl"],
];

/** A stage on the way from a source line to a verdict: who does it, by which file, and what is there then. */
export interface Step {
  lane: keyof typeof LANES;
  does: string;
  file: string;
  shows: string;
}

const LANES = { host: "your machine", guest: "the guest", xen: "Xen" } as const;

export const WAY: readonly Step[] = [
  {
    lane: "host",
    does: "a line of TypeScript",
    file: "examples/hello.ts",
    shows: "sched.poll([], start + 5_000_000)",
  },
  {
    lane: "host",
    does: "asc compiles it to Wasm",
    file: "src/host/build/asc/compile.ts",
    shows: "call $sched.poll",
  },
  {
    lane: "host",
    does: "the lowering writes C",
    file: "src/host/build/lower/lower.ts",
    shows: "i0 = wasm_fn_…(p0, p1)",
  },
  {
    lane: "host",
    does: "gcc and ld link a PVH image",
    file: "src/host/build/link/toolchain.ts",
    shows: "hello.elf, with boot/ and runtime/",
  },
  {
    lane: "host",
    does: "the run's inputs are added",
    file: "src/host/elf/run-block.ts",
    shows: "arguments, random bytes, a nonce",
  },
  {
    lane: "host",
    does: "QEMU starts, or continues from a saved state",
    file: "src/host/boot/boot.ts",
    shows: "Xen and the toolstack are up",
  },
  {
    lane: "xen",
    does: "the toolstack creates the domain",
    file: "src/guest/toolstack/builder.ts",
    shows: "XEN_DOMCTL_createdomain, …",
  },
  {
    lane: "guest",
    does: "boot code enters long mode and calls the program",
    file: "boot/start.S",
    shows: "traps, memory, then main",
  },
  {
    lane: "guest",
    does: "the line runs: an instruction into Xen",
    file: "src/guest/xenlet/raw/hypercall.ts",
    shows: "vmmcall: sched_op, SCHEDOP_poll",
  },
  {
    lane: "xen",
    does: "Xen puts the vCPU to sleep and wakes it",
    file: "",
    shows: "do_poll() returns 0",
  },
  {
    lane: "guest",
    does: "the program reports, and powers off",
    file: "boot/record.c",
    shows: "~x1 … exit:code=0 #…",
  },
  {
    lane: "host",
    does: "the records are read and checked",
    file: "src/host/protocol/record.ts",
    shows: "none lost, none altered",
  },
  {
    lane: "host",
    does: "the verdict",
    file: "src/host/boot/verdict.ts",
    shows: "the guest ended with exit code 0",
  },
];

const STYLE = `
  .paper { fill: #ffffff; } text { fill: #1a1f26; font: 14px system-ui, "DejaVu Sans", sans-serif; }
  .title { font-size: 17px; font-weight: 600; } .head { font-weight: 600; } .quiet { fill: #57606a; }
  .path, .shows { font: 12.5px ui-monospace, "DejaVu Sans Mono", monospace; } .small { font-size: 12.5px; }
  .middle { text-anchor: middle; }
  .box { fill: #f6f7f8; stroke: #b6bdc6; stroke-width: 1.5; } .inner { fill: #ffffff; stroke: #b6bdc6; }
  .line { stroke: #57606a; stroke-width: 1.5; fill: none; } .tip { fill: #57606a; }
  .host { fill: #c04a00; } .guest { fill: #0072b2; } .xen { fill: #007a5a; } .lane { stroke: #b6bdc6; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #101418; } text { fill: #e4e8ec; } .quiet { fill: #9da7b1; }
    .box { fill: #181d23; stroke: #4a535d; } .inner { fill: #101418; stroke: #4a535d; }
    .line { stroke: #9da7b1; } .tip { fill: #9da7b1; } .lane { stroke: #4a535d; }
    .host { fill: #f0a04b; } .guest { fill: #56b4e9; } .xen { fill: #2fc79a; }
  }
`;

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function text(x: number, y: number, words: string, kind = ""): string {
  return `<text${kind === "" ? "" : ` class="${kind}"`} x="${x}" y="${y}">${escape(words)}</text>`;
}

function box(x: number, y: number, width: number, height: number, kind = "box"): string {
  return `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6" />`;
}

/** `description`: the picture in words, for those who do not see it. */
function svg(height: number, title: string, description: string, body: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 ${height}" role="img" aria-labelledby="title description">
<title id="title">${escape(title)}</title>
<desc id="description">${escape(description)}</desc>
<style>${STYLE}</style>
<rect class="paper" width="900" height="${height}" />
${body.join("\n")}
</svg>
`;
}

/** Paths in one column, what they are in the next. */
function rows(x: number, y: number, list: readonly Row[], width: number): string[] {
  return list.flatMap(([path, words], at) => [
    text(x, y + at * 24, path, "path"),
    text(x + width, y + at * 24, words, "small quiet"),
  ]);
}

/** An arrow between the worlds, with what it carries above. */
function arrow(y: number, toTheRight: boolean, words: string): string {
  const [tip, back] = toTheRight ? [480, 470] : [366, 376];
  return [
    text(423, y - 8, words, "small middle"),
    `<path class="line" d="M ${toTheRight ? 366 : 480} ${y} H ${back}" />`,
    `<path class="tip" d="M ${tip} ${y} L ${back} ${y - 5} V ${y + 5} Z" />`,
  ].join("\n");
}

export function worlds(): string {
  const says = (list: readonly Row[]): string =>
    list.map(([path, words]) => `${path}: ${words}`).join("; ");
  return svg(
    590,
    "What runs where",
    `On your machine, Node runs src/host (${says(HOST)}). It gives QEMU the image with its run block, a job and standard input, ` +
      `and reads records from Xen's console. Inside QEMU, Xen runs dom0 (${says(DOM0)}) and the guest (${says(GUEST)}).`,
    [
      text(20, 30, "What runs where", "title"),
      box(20, 48, 346, 522),
      text(36, 76, "Your machine: Node, TypeScript", "head"),
      ...rows(36, 108, HOST, 152),
      text(36, 400, "A folder imports only from those below it.", "small quiet"),
      text(36, 424, "Nothing here is imported by a guest.", "small quiet"),
      arrow(120, true, "image, run block"),
      arrow(190, true, "job, modules"),
      arrow(260, true, "standard input"),
      arrow(330, false, "records"),
      arrow(400, false, "Xen's console"),
      box(480, 48, 400, 522),
      text(494, 76, "QEMU: a machine with AMD's virtualisation", "head"),
      box(494, 90, 372, 128, "inner"),
      text(508, 114, "dom0: the toolstack, a PVH guest itself", "head"),
      ...rows(508, 142, DOM0, 184),
      box(494, 232, 372, 228, "inner"),
      text(508, 256, "The guest: domU, PVH or HVM", "head"),
      ...rows(508, 284, GUEST, 184),
      box(494, 474, 372, 82, "inner"),
      text(508, 498, "Xen", "head"),
      text(508, 522, "4.14, 4.17 and 4.20 from Debian, unmodified,", "small quiet"),
      text(508, 544, "or a hypervisor of yours: --xen PATH", "small quiet"),
    ],
  );
}

export function way(): string {
  const columns = Object.keys(LANES) as Step["lane"][];
  const at = (lane: Step["lane"]): number => [70, 170, 245][columns.indexOf(lane)] ?? 0;
  const top = 96;
  const pitch = 54;
  const height = top + WAY.length * pitch;
  const steps = WAY.flatMap(({ lane, does, file, shows }, index) => {
    const y = top + index * pitch;
    const before = WAY[index - 1];
    return [
      ...(before === undefined
        ? []
        : [`<path class="line" d="M ${at(before.lane)} ${y - pitch} L ${at(lane)} ${y}" />`]),
      text(290, y, `${index + 1}. ${does}`),
      text(308, y + 20, file === "" ? "in the hypervisor" : file, "path quiet"),
      text(610, y + 20, shows, "shows"),
    ];
  });
  return svg(
    height,
    "From a line of TypeScript to a verdict",
    WAY.map(
      ({ does, file, shows }, index) =>
        `${index + 1}. ${does}${file === "" ? "" : ` (${file})`}: ${shows}.`,
    ).join(" "),
    [
      text(20, 30, "From a line of TypeScript to a verdict", "title"),
      ...columns.flatMap((lane) => [
        text(at(lane), 62, LANES[lane], "head middle"),
        `<line class="lane" x1="${at(lane)}" x2="${at(lane)}" y1="72" y2="${height - 20}" />`,
      ]),
      ...steps,
      ...WAY.map(
        ({ lane }, index) =>
          `<circle class="${lane}" cx="${at(lane)}" cy="${top + index * pitch}" r="7" />`,
      ),
    ],
  );
}
