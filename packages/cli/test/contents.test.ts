// Addresses with a password or token are found in what goes out, and told of without it; those without one are let through.
import { describe, expect, test } from "vitest";
import { addressFaults } from "../src/adapters/contents.js";

describe("held back", () => {
  test.each<[string, string, string]>([
    ["user and password", "see https://ann:hunter2@example.org/data", "https://…@example.org"],
    ["an @ in the password", "<http://ann:hun@ter2@example.org:8080/>", "http://…@example.org:8080"],
    ["a password alone", "[data](https://:hunter2@example.org)", "https://…@example.org"],
    ["an escaped colon", "https://ann%3Ahunter2@example.org", "https://…@example.org"],
    ["a token in place of a user", "https://hunter2@example.org/x.git", "https://…@example.org"],
    ["other schemes", "ftp://ann:hunter2@example.org git+https://ann:hunter2@example.net", "ftp://…@example.org git+https://…@example.net"],
    ["no scheme", "//ann:hunter2@example.org/x", "//…@example.org"],
    ["the same one twice, told of once", "https://a:hunter2@example.org https://b:hunter2@example.org", "https://…@example.org"],
  ])("%s", (_, text, hosts) => {
    const faults = addressFaults("README.md", text);
    expect(faults.map((fault) => /token, (\S+);/.exec(fault)?.[1]).join(" ")).toBe(hosts);
    expect(faults.join()).not.toContain("hunter2");
  });

  test("in JSON also where its signs are escaped", () => {
    const text = String.raw`{ "a": "https:\/\/ann:hunter2@example.org", "b": "https://ann\u003ahunter2\u0040example.net/" }`;
    expect(addressFaults("package.json", text)).toEqual([expect.stringContaining("https://…@example.org"), expect.stringContaining("https://…@example.net")]);
  });
});

test.each([
  "https://example.org/@lab/adapter-x",
  "https://registry.example.org/x@1.0.0",
  "https://example.org?mail=ann@example.org",
  "https://example.org/#a:b@c",
  "git+ssh://git@github.com/lab/x.git",
  "git@github.com:lab/x.git",
  "mailto:ann@example.org and Ann <ann@example.org>",
  "https://example.org: write to ann@example.org",
])("let through: %s", (text) => expect(addressFaults("README.md", text)).toEqual([]));
