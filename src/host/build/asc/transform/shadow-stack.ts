/**
 * An asc transform: takes out of the module what its shadow stack is not needed for.
 *
 * The collector of runtime `incremental` finds what functions hold by a stack in linear memory, where asc puts each
 * managed value that a function keeps or hands on. The collector looks there in one place only, its step. A function
 * that can never reach a step needs no frame, and what is handed to such a function need not be put there for it:
 * everything that is active while a step runs is, by definition, a function that can reach one, in a call of another
 * that can. Array accesses are the most of it.
 *
 * It works on Binaryen's expressions behind asc's own passes and before its optimiser, so all shapes are asc's own
 * (assemblyscript's src/passes/shadowstack.ts). A function with any other shape around the stack is left alone.
 */
type Expression = number;

/** What is used of "assemblyscript/binaryen", whose declarations leave these out. */
interface Binaryen {
  getExpressionId(expression: Expression): number;
  getFunctionInfo(one: number): { name: string; body: Expression };
  readonly LocalGet: { getIndex(of: Expression): number };
  readonly LocalSet: { getIndex(of: Expression): number };
  readonly GlobalGet: { getName(of: Expression): string };
  readonly GlobalSet: { getName(of: Expression): string; getValue(of: Expression): Expression };
  readonly Store: { getPtr(of: Expression): Expression; getValue(of: Expression): Expression };
  readonly Call: { getTarget(of: Expression): string };
  readonly Binary: { getLeft(of: Expression): Expression; getRight(of: Expression): Expression };
  readonly MemoryFill: { getDest(of: Expression): Expression };
  _BinaryenNop(module: number): Expression;
  _BinaryenDrop(module: number, value: Expression): Expression;
  _BinaryenGetNumFunctions(module: number): number;
  _BinaryenGetFunctionByIndex(module: number, index: number): number;
  _BinaryenFunctionSetBody(one: number, body: Expression): void;
}

const STACK_POINTER = "~lib/memory/__stack_pointer";
const STACK_CHECK = "~stack_check";
const STEP = "~lib/rt/itcms/step";

/** Where each kind of expression has its children, as Binaryen calls them. Kinds that are not here are not known. */
const CHILDREN: Record<string, readonly string[]> = {
  Block: [],
  If: ["Condition", "IfTrue", "IfFalse"],
  Loop: ["Body"],
  Break: ["Condition", "Value"],
  Switch: ["Condition", "Value"],
  Call: [],
  LocalGet: [],
  LocalSet: ["Value"],
  GlobalGet: [],
  GlobalSet: ["Value"],
  Load: ["Ptr"],
  Store: ["Ptr", "Value"],
  Const: [],
  Unary: ["Value"],
  Binary: ["Left", "Right"],
  Select: ["IfTrue", "IfFalse", "Condition"],
  Drop: ["Value"],
  Return: ["Value"],
  MemorySize: [],
  MemoryGrow: ["Delta"],
  MemoryCopy: ["Dest", "Source", "Size"],
  MemoryFill: ["Dest", "Value", "Size"],
  Nop: [],
  Unreachable: [],
};
const LISTS: Record<string, string> = { Block: "Child", Call: "Operand" };

interface Child {
  expression: Expression;
  replace(by: Expression): void;
}

class Expressions {
  readonly #names = new Map<number, string>();

  constructor(readonly binaryen: Binaryen) {
    for (const kind of Object.keys(CHILDREN))
      this.#names.set(Reflect.get(binaryen, `${kind}Id`) as number, kind);
  }

  /** Null: not known. */
  kind(expression: Expression): string | null {
    return this.#names.get(this.binaryen.getExpressionId(expression)) ?? null;
  }

  children(expression: Expression): Child[] {
    const kind = this.kind(expression) ?? "Nop";
    const access = Reflect.get(this.binaryen, kind) as Record<string, (...of: number[]) => number>;
    const children = (CHILDREN[kind] ?? []).map((field) => ({
      expression: access[`get${field}`]?.(expression) ?? 0,
      replace: (by: Expression) => access[`set${field}`]?.(expression, by),
    }));
    const list = LISTS[kind];
    const plural = list === "Child" ? "Children" : "Operands";
    const count = list === undefined ? 0 : (access[`getNum${plural}`]?.(expression) ?? 0);
    for (let index = 0; index < count; index++)
      children.push({
        expression: access[`get${list ?? ""}At`]?.(expression, index) ?? 0,
        replace: (by) => access[`set${list ?? ""}At`]?.(expression, index, by),
      });
    return children.filter((child) => child.expression !== 0);
  }

  /** The expression and all in it. */
  *all(expression: Expression): Generator<Expression> {
    yield expression;
    for (const child of this.children(expression)) yield* this.all(child.expression);
  }

  isStackPointer(expression: Expression): boolean {
    return (
      this.kind(expression) === "GlobalGet" &&
      this.binaryen.GlobalGet.getName(expression) === STACK_POINTER
    );
  }

  callee(expression: Expression): string | null {
    return this.kind(expression) === "Call" ? this.binaryen.Call.getTarget(expression) : null;
  }
}

/** The names of the functions that may reach a step of the collector. */
function collecting(e: Expressions, bodies: Map<string, Expression>, step: string): Set<string> {
  const callers = new Map<string, string[]>();
  const reached = [step];
  for (const [name, body] of bodies)
    for (const expression of e.all(body)) {
      // Whom an indirect call calls is not known, and neither is what an expression of no known kind does.
      if (e.kind(expression) === null) reached.push(name);
      const callee = e.callee(expression);
      if (callee !== null) callers.set(callee, [...(callers.get(callee) ?? []), name]);
    }
  const all = new Set<string>();
  for (let name = reached.pop(); name !== undefined; name = reached.pop()) {
    if (all.has(name)) continue;
    all.add(name);
    reached.push(...(callers.get(name) ?? []));
  }
  return all;
}

/** What the stack's use at `expression` becomes without it; null if it is none. */
function without(e: Expressions, module: number, expression: Expression): Expression | null {
  const { binaryen } = e;
  const nop = (): Expression => binaryen._BinaryenNop(module);
  switch (e.kind(expression)) {
    case "Store": {
      if (!e.isStackPointer(binaryen.Store.getPtr(expression))) return null;
      const value = binaryen.Store.getValue(expression);
      return e.kind(value) === "Const" ? nop() : binaryen._BinaryenDrop(module, value);
    }
    case "GlobalSet": {
      if (binaryen.GlobalSet.getName(expression) !== STACK_POINTER) return null;
      const value = binaryen.GlobalSet.getValue(expression);
      const moved =
        e.kind(value) === "Binary" &&
        e.isStackPointer(binaryen.Binary.getLeft(value)) &&
        e.kind(binaryen.Binary.getRight(value)) === "Const";
      return moved ? nop() : null;
    }
    case "MemoryFill":
      return e.isStackPointer(binaryen.MemoryFill.getDest(expression)) ? nop() : null;
    case "Call":
      return e.callee(expression) === STACK_CHECK ? nop() : null;
    default:
      return null;
  }
}

/** Whether all uses of the stack in it are of the known shapes. */
function isOrdinary(e: Expressions, expression: Expression): boolean {
  const { binaryen } = e;
  const frame = (child: Expression): boolean => e.isStackPointer(child);
  if (frame(expression)) return false;
  const kind = e.kind(expression);
  if (kind === "Store" && frame(binaryen.Store.getPtr(expression)))
    return isOrdinary(e, binaryen.Store.getValue(expression));
  if (kind === "MemoryFill" && frame(binaryen.MemoryFill.getDest(expression))) return true;
  if (kind === "GlobalSet" && binaryen.GlobalSet.getName(expression) === STACK_POINTER) {
    const value = binaryen.GlobalSet.getValue(expression);
    return (
      e.kind(value) === "Binary" &&
      frame(binaryen.Binary.getLeft(value)) &&
      e.kind(binaryen.Binary.getRight(value)) === "Const"
    );
  }
  return e.children(expression).every((child) => isOrdinary(e, child.expression));
}

function stripFrame(e: Expressions, module: number, expression: Expression): Expression {
  const stripped = without(e, module, expression) ?? expression;
  for (const child of e.children(stripped)) {
    const by = stripFrame(e, module, child.expression);
    if (by !== child.expression) child.replace(by);
  }
  return stripped;
}

/** In a function that keeps its frame: what it puts there for calls that cannot reach a step. */
function stripArguments(
  e: Expressions,
  module: number,
  body: Expression,
  mayCollect: Set<string>,
): void {
  const { binaryen } = e;
  const reaches = (expression: Expression): boolean =>
    [...e.all(expression)].some((one) => {
      const callee = e.callee(one);
      return e.kind(one) === null || (callee !== null && mayCollect.has(callee));
    });
  for (const expression of e.all(body)) {
    const callee = e.callee(expression);
    if (callee === null || callee === STACK_CHECK || mayCollect.has(callee)) continue;
    const operands = e.children(expression);
    // An argument lives while later arguments are computed.
    for (let index = operands.length - 1; index >= 0; index--) {
      const operand = operands[index]?.expression ?? 0;
      const [set, store, get, ...more] = e.kind(operand) === "Block" ? e.children(operand) : [];
      if (set && store && get && more.length === 0) {
        const local =
          e.kind(set.expression) === "LocalSet" && binaryen.LocalSet.getIndex(set.expression);
        const isIt = (one: Expression): boolean =>
          e.kind(one) === "LocalGet" && binaryen.LocalGet.getIndex(one) === local;
        if (
          e.kind(store.expression) === "Store" &&
          e.isStackPointer(binaryen.Store.getPtr(store.expression)) &&
          isIt(binaryen.Store.getValue(store.expression)) &&
          isIt(get.expression)
        )
          store.replace(binaryen._BinaryenNop(module));
      }
      if (reaches(operand)) break;
    }
  }
}

/**
 * A transform for one compilation. `binaryen`: the default export of the compiler's "assemblyscript/binaryen"; `step`:
 * the collector's function that looks at the stack.
 */
export function leanShadowStack(
  binaryen: unknown,
  step = STEP,
): { afterCompile(module: { ptr: number }): void } {
  const e = new Expressions(binaryen as Binaryen);
  return {
    afterCompile({ ptr: module }) {
      const functions = new Map<string, number>();
      const bodies = new Map<string, Expression>();
      for (let index = 0; index < e.binaryen._BinaryenGetNumFunctions(module); index++) {
        const one = e.binaryen._BinaryenGetFunctionByIndex(module, index);
        const { name, body } = e.binaryen.getFunctionInfo(one);
        functions.set(name, one);
        if (body !== 0) bodies.set(name, body);
      }
      if (!bodies.has(step)) return; // no collector that would look there
      const mayCollect = collecting(e, bodies, step);
      for (const [name, body] of bodies) {
        if (mayCollect.has(name)) stripArguments(e, module, body, mayCollect);
        else if (isOrdinary(e, body))
          e.binaryen._BinaryenFunctionSetBody(
            functions.get(name) ?? 0,
            stripFrame(e, module, body),
          );
      }
    },
  };
}
