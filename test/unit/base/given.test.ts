/**
 * given(): options without those that are undefined. Why it matters: a spread of `{ vcpus: undefined }` replaces a
 * default of 1. How it would fail: the key is still there; or false, 0 and null, which were given, are dropped too.
 */
import { expect, test } from "vitest";
import { given } from "../../../src/host/base/given.js";

test("what is undefined is left out, and nothing else", () => {
  const options = given({ a: undefined as number | undefined, b: 0, c: null, d: false, e: "" });
  expect(Object.keys(options)).toEqual(["b", "c", "d", "e"]);
});

test("a spread keeps the default of an option that was not given", () => {
  const asked: { vcpus?: number } = {};
  expect({ vcpus: 1, ...given({ vcpus: asked.vcpus }) }).toStrictEqual({ vcpus: 1 });
  expect(Object.assign({ vcpus: 1 }, { vcpus: asked.vcpus })).toStrictEqual({ vcpus: undefined });
});
