// A folder with those above it. Node's own way (mkdir of fs/promises, recursive) never comes back where nothing can be made and the system says that the
// folder above is missing, though it is there: in /proc. Node's modules are got at run time, as this passes through browser bundlers.

import { builtins, notWritable } from "./write-whole.js";

/**
 * Makes a folder, and those above it, where it is not there.
 * @param mode of what is made; default: as the process makes folders
 * @throws AnyMC3DError `OUTPUT_NOT_WRITABLE` naming the folder in which nothing can be made, and what is in the way
 */
export async function makeFolder(target: string, mode?: number): Promise<void> {
  const { fs, path } = builtins();
  const make = async (folder: string, again = false): Promise<void> => {
    const fault = await fs.mkdir(folder, { mode }).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    );
    if (!fault || (await isFolder(folder))) return;
    const above = path.dirname(folder);
    if (fault.code !== "ENOENT" || above === folder) throw notWritable(target, above, fault);
    if (again) throw notWritable(target, above, { message: "no folder can be made there" });
    if (!(await isFolder(above))) await make(above);
    return make(folder, true);
  };
  const isFolder = (folder: string) =>
    fs.stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
  await make(path.resolve(target));
}
