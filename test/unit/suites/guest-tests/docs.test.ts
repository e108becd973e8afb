/**
 * docs/records.md against what it describes. Why it matters: other programs' readers are written by it. How it would
 * fail: an event that is written but not described, an example that a reader refuses.
 */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { fieldsOf, RecordReader, type GuestRecord } from "../../../../src/host/protocol/record.js";

const document = await readFile("docs/records.md", "utf8");
const writer = await readFile("src/guest/xenlet/test.ts", "utf8");

test("the example's line is its fields", () => {
  const [, fields = "", line = ""] = /^ {4}(event=fail .*)\n {4}(~x1 .*)$/m.exec(document) ?? [];
  // Its number is not the first one: the reader waits for those before it, says that they are missing, and then reads it.
  const reader = new RecordReader("3f9a");
  const items = [...reader.push(line), ...reader.end()];
  expect(items.map(({ type }) => type)).toEqual(["damage", "record"]);
  const { record } = items[1] as { record: GuestRecord };
  expect(record).toMatchObject({ kind: "test", payload: fields });
  expect(fieldsOf(record)?.get("expected")).toBe("1");
});

/** Of a table row or a comment line: the event, and its fields. */
const signature = (event: string, fields: string): string =>
  [event, ...fields.matchAll(/\b([a-z]+)=/g)]
    .map((one) => (Array.isArray(one) ? one[1] : one))
    .join(" ");

test("the table of test events is the writer's own", () => {
  const table = document.slice(document.indexOf("| event"));
  const described = [...table.matchAll(/^\| `(\w+)` +\| ([^|]*)\|/gm)].map(
    ([, event = "", fields = ""]) => signature(event, fields),
  );
  const written = [...writer.matchAll(/^\/\/ .*event=.*$/gm)].flatMap(([line]) =>
    [...line.matchAll(/event=(\w+)((?: +(?!event)\w+=(?:<\w+>)?)*)/g)].map(
      ([, event = "", fields = ""]) => signature(event, fields),
    ),
  );
  expect(described.length).toBe(12);
  expect(described.toSorted()).toEqual(written.toSorted());
});
