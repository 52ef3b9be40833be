// Names of packages: short and long, valid and not. npm's own rules: https://docs.npmjs.com/cli/configuring-npm/package-json#name
import { expect, test } from "vitest";
import { isNamedAs, isPackageName, newPackageName, packageName, packageNames, shortName } from "../src/package-names.js";

test.each([
  ["lung-nodule", "@anymc3d/adapter-lung-nodule", "lung-nodule"],
  ["@anymc3d/adapter-lung-nodule", "@anymc3d/adapter-lung-nodule", "lung-nodule"],
  ["@me/adapter-x", "@me/adapter-x", "@me/adapter-x"],
  ["@me/x", "@me/x", "@me/x"],
  ["adapter-x", "adapter-x", "adapter-x"],
  ["anymc3d-adapter-x", "anymc3d-adapter-x", "anymc3d-adapter-x"],
  ["adapters", "@anymc3d/adapter-adapters", "adapters"],
  ["adapter-", "@anymc3d/adapter-adapter-", "adapter-"],
  // Without its scope and prefix it would stand for another package.
  ["@anymc3d/adapter-backbone-x", "@anymc3d/adapter-backbone-x", "@anymc3d/adapter-backbone-x"],
])("%s is %s, in short %s", (text, name, short) => {
  expect(packageName("adapter", text)).toBe(name);
  expect(shortName("adapter", name)).toBe(short);
  expect(packageName("adapter", short)).toBe(name);
});

test("among installed packages a short name also stands for those without a scope, after the project's own", () => {
  expect(packageNames("backbone", "tiny")).toEqual(["@anymc3d/backbone-tiny", "anymc3d-backbone-tiny", "backbone-tiny", "tiny"]);
  expect(packageNames("backbone", "backbone-tiny")).toEqual(["backbone-tiny"]);
});

test("which packages are called like adapters", () => {
  const names = ["adapter-x", "anymc3d-adapter-x", "@me/adapter-x", "@anymc3d/adapter-x", "@me/anymc3d-adapter-x"];
  expect(names.filter((name) => !isNamedAs("adapter", name))).toEqual([]);
  const others = ["adapters", "my-adapter-x", "@adapter-x/core", "backbone-x", "@anymc3d/core", "adapter-"];
  expect(others.filter((name) => isNamedAs("adapter", name))).toEqual([]);
});

test.each([
  ["My Task (Größe)", "adapter-my-task-gr-e"],
  ["x", "adapter-x"],
  ["adapter-x", "adapter-x"],
  ["anymc3d-adapter-x", "adapter-x"],
  ["...", "adapter-my-task"],
  ["_hidden_", "adapter-hidden"],
])("a new package of %s is called %s, which stands for itself", (text, name) => {
  expect(newPackageName("adapter", text)).toBe(name);
  expect(isPackageName(name)).toBe(true);
  expect(packageName("adapter", name)).toBe(name);
});

test("names that npm does not take", () => {
  expect(["x", "@me/x", "a.b_c~d"].every(isPackageName)).toBe(true);
  expect(["", "X", "@me", "@me/", "a b", ".x", "_x", "@me/x/y", "x".repeat(215)].some(isPackageName)).toBe(false);
  expect(newPackageName("adapter", "x".repeat(300))).toHaveLength(214);
});
