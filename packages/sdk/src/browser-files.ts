// A browser's files, told by tag and not by class, so that those of another window count too.

const tagOf = (value: unknown): string => Object.prototype.toString.call(value);

export const isBlob = (value: unknown): value is Blob => /^\[object (?:File|Blob)\]$/.test(tagOf(value));

/** What a file input or a drop has. */
export const isFileList = (value: unknown): value is FileList => tagOf(value) === "[object FileList]";
