/** The text of `xenlet inspect`: plain lines, aligned, no colours. */
import type { Inspection } from "./inspect.js";

/** Ends without a newline. */
export function formatInspection(image: Inspection): string {
  return [
    `${image.path}: ELF${image.class} ${image.machine} ${image.type}, ${size(image.bytes)}`,
    entryLine(image),
    ...(image.multiboot2 === null
      ? []
      : [`multiboot2 entry ${image.multiboot2}: for Linux's kexec`]),
    ...image.warnings.map((warning) => `warning: ${warning}`),
    ...block("notes", [
      ...image.notes.map((note) => [note.owner, note.name ?? `type ${note.type}`, note.value]),
    ]),
    ...block("segments", [
      ["type", "", "virtual", "physical", "in file", "in memory"],
      ...image.segments.map((segment) => [
        segment.type,
        segment.permissions,
        segment.vaddr,
        segment.paddr,
        size(segment.fileBytes),
        size(segment.memoryBytes),
      ]),
    ]),
    ...block(
      "loaded sections",
      image.sections
        .filter((section) => section.loaded)
        .map((section) => [section.name, section.address, size(section.bytes)]),
    ),
    ...block(
      "size by part",
      image.parts.map((part) => [part.name, size(part.bytes)]),
    ),
    ...symbolLines(image),
  ].join("\n");
}

function entryLine({ pvh, problem }: Inspection): string {
  if (pvh === null) return `not a PVH guest: ${problem ?? "unknown reason"}`;
  const symbol = pvh.entrySymbol === null ? "" : ` (${pvh.entrySymbol})`;
  return `PVH entry ${pvh.entry}${symbol}; occupies ${pvh.start}..${pvh.end}, physical`;
}

function symbolLines({ symbols }: Inspection): string[] {
  if (symbols.count === 0) return ["", "symbols: none (stripped)"];
  return block(
    `symbols: ${symbols.count}, of them ${symbols.functions} functions; the largest`,
    symbols.largest.map((symbol) => [symbol.name, size(symbol.bytes)]),
  );
}

function size(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${bytes} B (${(bytes / 1024).toFixed(1)} KiB)`;
}

/** A titled table with its columns aligned; nothing for no rows. */
function block(title: string, rows: string[][]): string[] {
  if (rows.length === 0) return [];
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: string[]) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd();
  return ["", title, ...rows.map(line)];
}
