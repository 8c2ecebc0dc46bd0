/**
 * Entry that is bundled for Node and for a page: starts a pool, exercises it, and hands the report to `globalThis.receiveReport`
 * or prints it.
 */
import { startPool } from "../../../../plugins/backends/cpu/threads.ts";
import { exercise } from "./threads_program.ts";

const pool = await startPool(3);
const report = await exercise(pool, 50);
pool.close();
const receive = (globalThis as { receiveReport?: (report: string) => void }).receiveReport;
(receive ?? console.log)(JSON.stringify(report));
