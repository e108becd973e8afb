/**
 * From a symbol in an image back to what a person wrote.
 *
 *   w2c_guest_0x7Elib0x2Fstring0x2FString0x23concat   the symbol, by wasm2c
 *   ~lib/string/String#concat                         the Wasm name, by asc
 *   String#concat (~lib/string.ts)                    what is shown
 */

export interface SourceName {
  function: string;
  /** As asc calls it, with its suffix: `main.ts`, `~lib/string.ts`; null where the name has none. */
  file: string | null;
}

/**
 * wasm2c's own function names: `w2c_`, the module (its underscores doubled),
 * `_`, the name. gcc's clones add suffixes (`.constprop.0`, `.part.0`, `.cold`).
 */
const WASM2C_SYMBOL = /^w2c_(?:__|[^_])+_(?<name>.+)$/;
const CLONE_SUFFIXES = /(?:\.(?:constprop|isra|part|cold|lto_priv|localalias)(?:\.\d+)?)+$/;

export function withoutCloneSuffix(symbol: string): string {
  return symbol.replace(CLONE_SUFFIXES, "");
}

/**
 * The Wasm name that wasm2c mangled into this symbol, or null if wasm2c did not
 * make it. wasm2c writes what may not stand in a C name as 0xHH, upper case; the
 * text "0x" followed by a hex digit has that digit escaped, so that reading from
 * left to right is exact.
 */
export function wasmName(symbol: string): string | null {
  const name = WASM2C_SYMBOL.exec(withoutCloneSuffix(symbol))?.groups?.["name"];
  if (name === undefined) return null;
  return name.replace(/0x([0-9A-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 16)),
  );
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
