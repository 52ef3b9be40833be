// Paths of this machine as a data set says them, by hand.
import { expect, test } from "vitest";
import { ownIds, ownPath, valueWithoutFolders, withoutFolders } from "../src/data/own-paths.js";

const data = "/home/someone/study";

test("within the data's folder relative to it, elsewhere the last name", () => {
  expect(ownPath("/home/someone/study/images/1.nii", data)).toBe("images/1.nii");
  expect(ownPath("/home/someone/study-2/1.nii", data)).toBe("1.nii");
  expect(ownPath("/mnt/scans/..odd.nii", data)).toBe("..odd.nii");
  expect(ownPath("/home/someone/study/..odd/1.nii", data)).toBe("..odd/1.nii");
});

test("ids differ, by as few folders as that takes", () => {
  const ids = ownIds(["/mnt/a/scan.nii", "/mnt/b/scan.nii", "/mnt/b/other.nii", "/home/someone/study/images/1.nii"], data);
  expect([...ids.values()]).toEqual(["a/scan.nii", "b/scan.nii", "b/other.nii", "images/1.nii"]);
  expect([...ownIds(["/mnt/a/1.nii", "/mnt/b/2.nii"], data).values()]).toEqual(["1.nii", "2.nii"]);
});

test("messages and details name files, not the folders above them", () => {
  expect(withoutFolders(`ENOENT: no such file, open '${data}/images/1.nii'`, data, [])).toBe("ENOENT: no such file, open 'images/1.nii'");
  expect(withoutFolders("/mnt/scans/p1/IM0001: no pixels", data, ["/mnt/scans/p1"])).toBe("p1/IM0001: no pixels");
  expect(withoutFolders("/mnt/a/b: x; /mnt/a: y", data, ["/mnt/a", "/mnt/a/b"])).toBe("b: x; a: y");
  expect(valueWithoutFolders({ file: `${data}/1.nii`, lines: [3], of: [{ at: `${data}/2.nii` }] }, data, [])).toEqual({
    file: "1.nii",
    lines: [3],
    of: [{ at: "2.nii" }],
  });
});
