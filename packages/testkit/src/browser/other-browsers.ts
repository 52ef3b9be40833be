// Drives Firefox and WebKit, by the protocols that they bring along, on a screen in memory, without which they draw no WebGL.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const FIREFOX = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
export const WEBKIT_DRIVER = process.env.WEBKIT_DRIVER ?? "/usr/bin/WebKitWebDriver";
export const XVFB = "/usr/bin/Xvfb";
const SIZE = { width: 1280, height: 960 };

export interface OtherBrowser {
  open(url: string): Promise<void>;
  /** Runs a function in the page that needs nothing from outside and returns what JSON can hold. */
  evaluate<T>(work: () => T): Promise<T>;
  /** PNG. */
  screenshot(): Promise<Uint8Array>;
  close(): Promise<void>;
}

export async function startScreen(): Promise<{ display: string; close(): void }> {
  const child = spawn(XVFB, ["-displayfd", "1", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"], { stdio: ["ignore", "pipe", "ignore"] });
  const [number] = await once(child.stdout, "data");
  return { display: `:${String(number).trim()}`, close: () => child.kill() };
}

/** Commands of WebDriver (W3C), which both protocols carry. */
type Ask = (command: keyof typeof HTTP, parameters?: object) => Promise<unknown>;
const HTTP = {
  SetWindowRect: "POST /window/rect",
  Navigate: "POST /url",
  ExecuteScript: "POST /execute/sync",
  TakeScreenshot: "GET /screenshot",
  DeleteSession: "DELETE ",
} as const;

async function drive(ask: Ask, end: () => Promise<void>): Promise<OtherBrowser> {
  await ask("SetWindowRect", SIZE);
  return {
    open: async (url) => void (await ask("Navigate", { url })),
    evaluate: async <T>(work: () => T) => (await ask("ExecuteScript", { script: `return (${work})()`, args: [] })) as T,
    screenshot: async () => Buffer.from((await ask("TakeScreenshot", { full: false })) as string, "base64"),
    close: async () => {
      await ask("DeleteSession").catch(() => undefined);
      await end();
    },
  };
}

/** WebKitGTK's own driver speaks WebDriver over HTTP. */
export async function startWebKit(display: string): Promise<OtherBrowser> {
  const port = await freePort();
  const driver = spawn(WEBKIT_DRIVER, [`--port=${port}`], { stdio: "ignore", env: { ...process.env, DISPLAY: display } });
  const at = `http://127.0.0.1:${port}`;
  await patiently(driver, () => fetch(`${at}/status`));
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${at}/session${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = (await response.json()) as { value: { error?: string; message?: string } };
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error} ${value.message}`);
    return value;
  };
  const { sessionId } = (await call("POST", "", { capabilities: {} })) as { sessionId: string };
  const ask: Ask = (command, parameters) => {
    const [method, path] = HTTP[command].split(" ");
    return call(method, `/${sessionId}${path}`, method === "POST" ? parameters : undefined);
  };
  return drive(ask, async () => void driver.kill());
}

/** Firefox speaks Marionette: WebDriver's commands as JSON over TCP, each message after its length. */
export async function startFirefox(display: string): Promise<OtherBrowser> {
  const profile = await mkdtemp(join(tmpdir(), "anymc3d-firefox-"));
  const preferences = { "marionette.port": 0, "webgl.force-enabled": true, "browser.shell.checkDefaultBrowser": false, "app.update.enabled": false };
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${value});`);
  await writeFile(join(profile, "user.js"), lines.join("\n"));
  const firefox = spawn(FIREFOX, ["--marionette", "--no-remote", "--profile", profile], { stdio: "ignore", env: { ...process.env, DISPLAY: display } });
  const socket = await patiently(firefox, async () => {
    const connected = createConnection(Number(await readFile(join(profile, "MarionetteActivePort"), "utf8")), "127.0.0.1");
    await once(connected, "connect");
    return connected;
  });

  const waiting = new Map<number, (answer: { error?: { message: string }; value?: unknown }) => void>();
  let received = Buffer.alloc(0) as Buffer;
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    for (;;) {
      const colon = received.indexOf(":");
      const end = colon + 1 + Number(received.subarray(0, Math.max(0, colon)));
      if (colon < 0 || received.length < end) return;
      const message = JSON.parse(String(received.subarray(colon + 1, end)));
      received = received.subarray(end);
      // The first one is the greeting.
      if (!Array.isArray(message)) continue;
      const [, id, error, result] = message;
      waiting.get(id)?.({ error, value: result && "value" in result ? result.value : result });
    }
  });
  let count = 0;
  const call = (command: string, parameters: object = {}) =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++count;
      waiting.set(id, ({ error, value }) => (error ? reject(new Error(`${command}: ${error.message}`)) : resolve(value)));
      const message = JSON.stringify([0, id, `WebDriver:${command}`, parameters]);
      socket.write(`${Buffer.byteLength(message)}:${message}`);
    });
  await call("NewSession");
  return drive(call, async () => {
    socket.destroy();
    firefox.kill();
    await once(firefox, "exit");
    await rm(profile, { recursive: true, force: true });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Tries until it works, as long as the program runs. */
async function patiently<T>(program: ChildProcess, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (program.exitCode !== null) throw new Error(`${program.spawnfile} ended with ${program.exitCode}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
