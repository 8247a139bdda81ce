import fc from "fast-check";
import { expect, test } from "vitest";
import { isSegError } from "../../shared/errors.ts";
import {
  isKey,
  keyPrefix,
  objectKey,
  requireOwn,
  requirePrefix,
} from "../../shared/storage/keys.ts";

test("objectKey() puts everything below its tenant", () => {
  expect(objectKey("t1", "uploads", "a")).toBe("tenants/t1/uploads/a");
  expect(objectKey("t1", "results", "r", "masks.zarr", ".zattrs"))
    .toBe("tenants/t1/results/r/masks.zarr/.zattrs");
  expect(keyPrefix("t1")).toBe("tenants/t1/");
  expect(keyPrefix("t1", "jobs", "j")).toBe("tenants/t1/jobs/j/");
});

test("objectKey() refuses ids that reach elsewhere", () => {
  const wrong = ["", ".", "..", "a/b", "../t2", "a\\b", "a\0", "ä", "a b"];
  for (const id of wrong) {
    expect(() => objectKey(id, "uploads", "a")).toThrow(RangeError);
    expect(() => objectKey("t1", "uploads", id)).toThrow(RangeError);
    expect(() => objectKey("t1", "uploads", "a", id)).toThrow(RangeError);
    expect(() => keyPrefix("t1", "jobs", id)).toThrow(RangeError);
  }
  expect(() => objectKey("t1", "uploads")).toThrow(RangeError);
  expect(() => objectKey("t1", "uploads", "a".repeat(201))).toThrow(RangeError);
});

test("objectKey() of two tenants never share a prefix", () => {
  fc.assert(fc.property(fc.string(), fc.string(), fc.string(), (a, b, id) => {
    fc.pre(a !== b);
    try {
      const key = objectKey(a, "uploads", id);
      expect(key.startsWith(keyPrefix(b))).toBe(false);
      expect(isKey(key)).toBe(true);
    } catch (err) {
      expect(err).toBeInstanceOf(RangeError);
    }
  }));
});

test("requireOwn() refuses another tenant's keys and what is no key", () => {
  const key = objectKey("t1", "uploads", "a");
  expect(requireOwn("t1", key)).toBe(key);
  const refused = [
    ["t2", key],
    ["t", key],
    ["t1", "tenants/t1/../t2/uploads/a"],
    ["t1", "tenants/t1"],
    ["t1", "tenants/t1/"],
  ];
  for (const [tenant, other] of refused) {
    expect(() => requireOwn(tenant, other))
      .toThrow(expect.toSatisfy((e) => isSegError(e, "forbidden")));
  }
});

test("requirePrefix() takes what keys begin with", () => {
  for (const prefix of ["", "a", "a/", "a/b", "tenants/t1/"]) {
    expect(requirePrefix(prefix)).toBe(prefix);
  }
  for (const prefix of ["/", "../", "a//", "..", "a b"]) {
    expect(() => requirePrefix(prefix)).toThrow(RangeError);
  }
});
