/** Serves the built page on loopback. @param port 0: any that is free */
export function serveWeb(port: number, told?: (path: string) => void): Promise<{ url: string; close(): Promise<void> }>;
