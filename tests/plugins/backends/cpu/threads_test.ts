/**
 * Threads: the same results on any number of them, failures that come through, and workers that end; in this process, in
 * Node, and on pages of a browser with and without isolation.
 */
import assert from "node:assert/strict";
import { bundled, missing, onPage } from "./places.ts";
import { MAX_THREADS, singleThread, startPool } from "../../../../plugins/backends/cpu/threads.ts";
import { exercise, threadedProduct } from "./threads_program.ts";

Deno.test("a product on one, two, three and four threads is exact and the same, hundreds of forks in a row", async () => {
  for (const threads of [1, 2, 3, 4]) {
    const pool = await startPool(threads);
    try {
      const { forks, ...report } = await exercise(pool, 150);
      assert.deepEqual(report, { threads, right: true });
      assert(forks >= 150);
    } finally {
      pool.close();
    }
  }
});

Deno.test("results of floating sums have the same bits on every number of threads", async () => {
  const runs: Uint8Array[] = [];
  for (const threads of [1, 2, 4]) {
    const pool = await startPool(threads);
    try {
      const program = threadedProduct([130, 300, 70], threads, { shared: threads > 1 });
      // Not whole numbers: the order of the sums shows.
      new Float32Array(program.memory.buffer, 64, 130 * 300).forEach((x, i, a) => a[i] = x / (i % 97 + 1));
      const attached = await pool.attach(program);
      program.phases.forEach((chunks, phase) => attached.fork(phase, chunks));
      runs.push(new Uint8Array(new Float32Array(program.result).buffer));
    } finally {
      pool.close();
    }
  }
  assert.deepEqual(runs[1], runs[0]);
  assert.deepEqual(runs[2], runs[0]);
});

Deno.test("programs attach to a running pool, one after another and at once, and each runs its own", async () => {
  const pool = await startPool(3);
  try {
    const reports = await Promise.all([exercise(pool, 5), exercise(pool, 5)]);
    assert(reports.every(({ right, threads }) => right && threads === 3));
    assert((await exercise(pool, 5)).right);
  } finally {
    pool.close();
  }
});

Deno.test("forks while another program attaches are right, and the workers serve afterwards", async () => {
  const pool = await startPool(3);
  try {
    const program = threadedProduct([200, 64, 96], 3, { shared: true });
    const attached = await pool.attach(program);
    program.alone();
    const truth = new Float32Array(program.result);
    for (let round = 0; round < 20; round++) {
      const other = pool.attach(threadedProduct([6, 8, 8], 3, { shared: true }));
      for (let fork = 0; fork < 20; fork++) {
        program.result.fill(NaN);
        program.phases.forEach((chunks, phase) => attached.fork(phase, chunks));
        assert.deepEqual(program.result, truth);
        // Lets answers of some workers in while others are still to answer.
        if (fork % 5 === 0) await new Promise((done) => setTimeout(done, 0));
      }
      (await other).detach();
    }
    assert((await exercise(pool, 5)).right);
  } finally {
    pool.close();
  }
});

Deno.test("a chunk that fails, on a worker or here, fails the fork, and the pool goes on", async () => {
  const pool = await startPool(3);
  try {
    const program = threadedProduct([600, 16, 16], 3, { shared: true, fail: 2 });
    const attached = await pool.attach(program);
    for (let i = 0; i < 20; i++) {
      assert.throws(() => program.phases.forEach((chunks, phase) => attached.fork(phase, Math.max(chunks, 3))));
    }
    assert((await exercise(pool, 5)).right);
  } finally {
    pool.close();
  }
});

Deno.test("one thread, none, or a fraction is the caller alone; more than the most is the most", async () => {
  for (const threads of [1, 0, -3, 1.9]) assert.equal(await startPool(threads), singleThread);
  assert(MAX_THREADS >= 2);
  const pool = await startPool(2);
  assert.equal(pool.threads, 2);
  pool.close();
  pool.close();
});

Deno.test("the same code computes on three threads in Node", () => {
  if (missing("node")) return;
  const folder = Deno.makeTempDirSync();
  try {
    const { stdout, stderr } = new Deno.Command("node", { args: [bundled("./threads_place.ts", folder)] }).outputSync();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.notEqual(out.trim(), "", err);
    const { threads, right } = JSON.parse(out);
    assert.deepEqual({ threads, right }, { threads: 3, right: true });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("the same code computes in a browser: on threads where the page is isolated, on one where it is not", async () => {
  if (missing("chromium")) return;
  const folder = Deno.makeTempDirSync();
  try {
    const script = bundled("./threads_place.ts", folder);
    for (const [isolated, inWorker, threads] of [[true, false, 3], [true, true, 3], [false, false, 1]] as const) {
      const report = await onPage(script, isolated, inWorker) as { readonly threads: number; readonly right: boolean };
      assert.deepEqual(
        { threads: report.threads, right: report.right },
        { threads, right: true },
        JSON.stringify(report),
      );
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
