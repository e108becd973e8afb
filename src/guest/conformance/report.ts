// A check's result, as a record's payload: src/host/suites/conformance/records.ts has the format.

/** In every field but the last one a space would end the field. */
function escaped(text: string): string {
  return text.replaceAll("%", "%25").replaceAll(" ", "%20");
}

/** `observed` is empty where versions of Xen do not differ. `text` says what was seen. */
export function checkPayload(name: string, status: string, observed: string, text: string): string {
  return (
    "name=" +
    name +
    " status=" +
    status +
    (observed.length > 0 ? " observed=" + escaped(observed) : "") +
    " text=" +
    text
  );
}

export function stateOf(ok: bool): string {
  return ok ? "passed" : "failed";
}

/** "what = actual, expected expected": with Xen's name for an errno. */
export function comparison(what: string, actual: string, expected: string): string {
  return actual == expected ? what + " = " + actual : what + " = " + actual + ", expected " + expected;
}
