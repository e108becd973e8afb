// Element and data segments.
// https://webassembly.github.io/spec/core/binary/modules.html#element-section

import type { Bytes } from "./bytes.js";
import { constant } from "./constants.js";
import { unsupported } from "./errors.js";
import { LIMITS } from "./limits.js";
import type { DataSegment, ElementSegment, ReferenceType, WasmModule } from "./module.js";
import { referenceType } from "./types.js";

/** An offset, as the unsigned number that it is. */
function offset(r: Bytes, module: WasmModule): number {
  const value = constant(r, module, "i32");
  return "bits" in value ? Number(value.bits) : 0;
}

function functionIndex(r: Bytes, module: WasmModule): number {
  const index = r.u32();
  if (module.functions[index] === undefined) r.fail(`function ${index} does not exist`);
  module.declared.add(index);
  return index;
}

// The bits of an element segment's kind.
const NOT_ACTIVE = 1;
/** Of an active one: its table is named. Of another: it only declares. */
const EXPLICIT = 2;
const EXPRESSIONS = 4;

export function elementSegment(r: Bytes, module: WasmModule): ElementSegment {
  const kind = r.u32();
  if (kind > 7) r.fail(`an element segment of kind ${kind}`);
  const active = (kind & NOT_ACTIVE) === 0;
  const table = active && kind & EXPLICIT ? r.u32() : 0;
  const into = module.tables[table];
  if (active && into === undefined) r.fail(`table ${table} does not exist`);
  const at = active ? offset(r, module) : 0;
  let type: ReferenceType = "funcref";
  if (kind & (NOT_ACTIVE | EXPLICIT)) {
    if (kind & EXPRESSIONS) type = referenceType(r);
    else if (r.byte() !== 0) r.fail("an element segment of an unknown kind of elements");
  }
  if (active && into?.element !== type)
    r.fail(`elements of type ${type} for table ${table}, which is of ${into?.element ?? "none"}`);
  const elements = r.vector("elements", LIMITS.elementsOfSegment, () => {
    if (!(kind & EXPRESSIONS)) return functionIndex(r, module);
    const value = constant(r, module, type);
    return "function" in value ? value.function : null;
  });
  const mode = active ? "active" : kind & EXPLICIT ? "declarative" : "passive";
  return { mode, table, offset: at, type, elements };
}

export function dataSegment(r: Bytes, module: WasmModule): DataSegment {
  const kind = r.u32();
  if (kind > 2) r.fail(`a data segment of kind ${kind}`);
  const memory = kind === 2 ? r.u32() : 0;
  if (memory !== 0) unsupported("more than one memory", r.where);
  const active = kind !== 1;
  if (active && module.memory === null) r.fail("memory 0 does not exist");
  const at = active ? offset(r, module) : null;
  return { offset: at, bytes: r.take(r.u32()) };
}
