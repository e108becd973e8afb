/**
 * From a symbol in an image back to what a person wrote.
 *
 *   wasm_fn_0x7Elib0x2Fstring0x2FString0x23concat   the symbol, by the lowering
 *   ~lib/string/String#concat                       the Wasm name, by asc
 *   String#concat (~lib/string.ts)                  what is shown
 */

export interface SourceName {
  function: string;
  /** As asc calls it, with its suffix: `main.ts`, `~lib/string.ts`; null where the name has none. */
  file: string | null;
}

/**
 * The lowering's function names (build/lower/emit/symbols.ts): behind the name, what tells functions of one name apart
 * (`0xN12`), or a tail call's parts of one (`0xT`, `0xB`). An import of module "native" is C's, by the guest's name for it. gcc's clones add suffixes (`.constprop.0`, `.part.0`, `.cold`).
 */
const WASM_SYMBOL = /^(?:wasm_fn|import_(?:native|xen))_(?<name>.*?)(?:0xN\d+)?(?:0x[TB])?$/;
const CLONE_SUFFIXES = /(?:\.(?:constprop|isra|part|cold|lto_priv|localalias)(?:\.\d+)?)+$/;

export function withoutCloneSuffix(symbol: string): string {
  return symbol.replace(CLONE_SUFFIXES, "");
}

/**
 * The Wasm name that was mangled into this symbol, or null if it is not one of the
 * module's. What may not stand in a C name is 0xHH, upper case, for each byte of
 * its UTF-8; so is the "0" of a "0x" in the name itself, so that reading from
 * left to right is exact.
 */
export function wasmName(symbol: string): string | null {
  const name = WASM_SYMBOL.exec(withoutCloneSuffix(symbol))?.groups?.["name"];
  if (name === undefined) return null;
  const bytes = name.replace(/0x([0-9A-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 16)),
  );
  return Buffer.from(bytes, "latin1").toString();
}

/** Splits asc's internal name, `path/of/the/file/Class#method`, into function and file. */
export function sourceName(name: string): SourceName {
  const plain = percentDecoded(name);
  if (plain.startsWith("start:")) return { function: "top level", file: `${plain.slice(6)}.ts` };
  // Type arguments have paths of their own: Array<main/Task>.
  const beforeArguments = plain.split("<", 1)[0] ?? plain;
  const slash = beforeArguments.lastIndexOf("/");
  return {
    function: plain.slice(slash + 1).replace(/[^<>,()|&=]*\//g, ""),
    file: slash < 0 ? null : `${plain.slice(0, slash)}.ts`,
  };
}

/** What a C symbol is to a person: `foo (main.ts)`, or the symbol itself for C and assembly. */
export function readableSymbol(symbol: string): SourceName {
  const name = wasmName(symbol);
  return name === null ? { function: withoutCloneSuffix(symbol), file: null } : sourceName(name);
}

/** asc percent-encodes the parentheses and commas of function types. */
function percentDecoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
