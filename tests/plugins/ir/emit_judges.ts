/**
 * The tools that judge printed programs: each compiles a file and, where it can, runs what comes out.
 */
import type { TextTarget } from "../../../plugins/ir/emit/targets.ts";
import { type Ran, runTool } from "./tools.ts";

/** How one target is judged. */
export interface Judge {
  /** The target. */
  readonly target: TextTarget;
  /** Of its files. */
  readonly extension: string;
  /** What must be installed. */
  readonly commands: ReadonlyArray<string>;
  /** Whether CI may lack it. */
  readonly optional?: boolean;
  /** Programs besides the patterns: compilers of some targets are slow. */
  readonly random: number;
  /** Compiles a file and, where this machine can, runs what comes out. */
  readonly build: (file: string) => Promise<Ran>;
  /** Whether what comes out is run. */
  readonly runs: boolean;
}

const after = async (first: Ran, next: () => Promise<Ran>): Promise<Ran> => first.ok ? await next() : first;

const LOWERING = [
  "--convert-linalg-to-loops",
  "--arith-expand",
  "--convert-scf-to-cf",
  "--convert-math-to-llvm",
  "--convert-math-to-libm",
  "--convert-memref-to-llvm",
  "--convert-arith-to-llvm",
  "--convert-func-to-llvm",
  "--convert-cf-to-llvm",
  "--reconcile-unrealized-casts",
];

/** The judges. */
export const JUDGES: ReadonlyArray<Judge> = [
  {
    target: "c",
    extension: "c",
    commands: ["cc"],
    random: 15,
    runs: true,
    build: async (file) =>
      after(
        await runTool("cc", ["-std=c99", "-O1", "-Wall", "-Werror", file, "-o", `${file}.out`, "-lm"]),
        () => runTool(`${file}.out`, []),
      ),
  },
  {
    target: "rust",
    extension: "rs",
    commands: ["rustc"],
    random: 5,
    runs: true,
    build: async (file) =>
      after(
        await runTool("rustc", ["-D", "warnings", "--edition", "2021", file, "-o", `${file}.out`]),
        () => runTool(`${file}.out`, []),
      ),
  },
  {
    target: "mlir",
    extension: "mlir",
    commands: ["mlir-opt-15", "mlir-cpu-runner-15"],
    random: 10,
    runs: true,
    build: async (file) =>
      after(
        await runTool("mlir-opt-15", [file, "-o", `${file}.checked`]),
        async () =>
          after(
            await runTool("mlir-opt-15", [...LOWERING, file, "-o", `${file}.lowered`]),
            () => runTool("mlir-cpu-runner-15", ["-e", "main", "-entry-point-result=void", `${file}.lowered`]),
          ),
      ),
  },
  {
    target: "cuda",
    extension: "cu",
    commands: ["nvcc"],
    optional: true,
    random: 0,
    runs: false,
    build: (file) => runTool("nvcc", ["-c", file, "-o", `${file}.o`]),
  },
];

/** Writes a file, builds it and runs what comes out. */
export const buildAndRun = async (
  target: TextTarget,
  path: string,
  text: string,
): Promise<Ran & { readonly runs: boolean }> => {
  const { extension, build, runs } = JUDGES.find((judge) => judge.target === target)!;
  const file = `${path}.${extension}`;
  Deno.writeTextFileSync(file, text);
  return { ...await build(file), runs };
};
