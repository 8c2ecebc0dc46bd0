/** Other places to run this project's code in: Node, and pages of a headless browser. */
import assert from "node:assert/strict";

/** Bundles a file of this folder for browsers; the same bundle runs in Node. */
export const bundled = (file: string, folder: string): string => {
  const out = `${folder}/place.mjs`;
  const { success, stderr } = new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--platform",
      "browser",
      "-o",
      out,
      new URL(file, import.meta.url).pathname,
    ],
    env: { NO_COLOR: "1" },
  }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
  return out;
};

/** Whether a tool that a test needs is missing: in CI that is a failure. */
export const missing = (tool: string): boolean => {
  try {
    new Deno.Command(tool, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return false;
  } catch {
    assert(Deno.env.get("CI") !== "true", `${tool} is not installed, and CI runs every test`);
    console.log(`skipped: ${tool} is not installed`);
    return true;
  }
};

/** Loads a page of a server in a headless browser, and returns what the page posts back. */
export const onPage = async (script: string, isolated: boolean, inWorker: boolean): Promise<unknown> => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
  const headers = isolated ? isolation : {};
  const send = (body: string, type: string): Response =>
    new Response(body, { headers: { ...headers, "content-type": type } });
  const report = "globalThis.receiveReport = (r) => fetch('/report', { method: 'POST', body: r });\n" +
    "globalThis.addEventListener('unhandledrejection', (e) => fetch('/report', { method: 'POST', body: JSON.stringify({ failed: String(e.reason) }) }));\n";
  const main = inWorker ? "new Worker('/place.js', { type: 'module' });" : "import('/place.js');";
  const page = `<!doctype html><script type="module">${main}</script>`;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/place.js") return send(report + Deno.readTextFileSync(script), "text/javascript");
    if (pathname !== "/report") return send(page, "text/html");
    resolve(await request.text());
    return send("", "text/plain");
  });
  const profile = Deno.makeTempDirSync();
  const browser = new Deno.Command("chromium", {
    args: [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${server.addr.port}/`,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const deadline = setTimeout(() => reject(new Error("the page did not report within a minute")), 60_000);
  try {
    return JSON.parse(await promise);
  } finally {
    clearTimeout(deadline);
    browser.kill("SIGKILL");
    await browser.status;
    await server.shutdown();
    await new Promise((done) => setTimeout(done, 200));
    try {
      Deno.removeSync(profile, { recursive: true });
    } catch {
      // The browser's helpers may still be writing; the folder is temporary anyway.
    }
  }
};
