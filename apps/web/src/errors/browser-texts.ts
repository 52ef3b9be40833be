// The only place that reads the words of browsers: what they throw for a file that could not be fetched has no code.

/** How Chromium, Firefox and Safari say that a file, or the code of a module, could not be fetched. */
const UNFETCHED = /failed to fetch|networkerror|load failed|importing a module|imported module/i;

/** Whether a browser's own error (a TypeError of fetch() or import()) says that something could not be fetched. */
export const isUnfetched = (error: unknown): boolean => error instanceof Error && UNFETCHED.test(error.message);

/** What an error of a browser's names: the address in it, if there is one. */
export const addressIn = (error: unknown): string | undefined => (error instanceof Error ? /https?:\/\/[^\s"')]+/.exec(error.message)?.[0] : undefined);
