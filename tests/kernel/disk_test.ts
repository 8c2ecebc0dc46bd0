/**
 * The file service keeps its promise when any step fails or the power goes at any step, and follows no link out of a
 * granted folder.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type FaultPlan, faultyDisk } from "../../kernel/disk_faulty.ts";
import { memoryDisk } from "../../kernel/disk_memory.ts";
import {
  type Cap,
  caps,
  denied,
  type DiskDriver,
  diskOver,
  type DiskShape,
  type Failure,
  PART_SUFFIX,
} from "../../kernel/mod.ts";
import { platformDisk } from "../../kernel/platform/disk.ts";

const FILE = "/home/state/deep/file";
const OLD = new TextEncoder().encode("old content, which must stay whole");
const NEW = new TextEncoder().encode("NEW CONTENT, longer than the old one by a good deal, so that tearing shows");
const SEEDS = Array.from({ length: 12 }, (_, index) => index);

/** Runs with both file authorities, granted for paths inside `root`. */
const runIn = <A>(
  root: string,
  effect: Effect.Effect<A, Failure, Cap<"readLocal"> | Cap<"writeLocal">>,
): Promise<A> => {
  const grant = <N extends "readLocal" | "writeLocal">(authority: N) => ({
    authority,
    check: (detail: string) =>
      root === "/" || detail === root || detail.startsWith(`${root}/`)
        ? Effect.void
        : Effect.fail(denied({ operation: "test", authority, detail, rule: "inside the root" })),
  });
  return Effect.runPromise(effect.pipe(
    Effect.provideService(caps.readLocal, grant("readLocal")),
    Effect.provideService(caps.writeLocal, grant("writeLocal")),
  ));
};

const run = <A>(effect: Effect.Effect<A, Failure, Cap<"readLocal"> | Cap<"writeLocal">>): Promise<A> =>
  runIn("/", effect);

const codeOf = <A>(root: string, effect: Effect.Effect<A, Failure, Cap<"readLocal"> | Cap<"writeLocal">>) =>
  runIn(root, Effect.match(effect, { onSuccess: () => "done", onFailure: (failure) => failure.code }));

const bytesOf = async (driver: DiskDriver, path: string): Promise<Uint8Array | undefined> =>
  await driver.stat(path) === undefined ? undefined : await driver.read(path);

/** How many changing steps `work` takes on a disk that never breaks. */
const stepsOf = async (work: (disk: DiskShape) => Promise<unknown>): Promise<number> => {
  const disk = faultyDisk();
  await work(diskOver(disk));
  return disk.steps();
};

/** Writes OLD then NEW; says which writes were acknowledged. */
const twoWrites = async (disk: DiskShape): Promise<ReadonlyArray<Uint8Array>> => {
  const acknowledged: Uint8Array[] = [];
  for (const content of [OLD, NEW]) {
    const outcome = await run(Effect.result(disk.write(FILE, content)));
    if (outcome._tag === "Success") acknowledged.push(content);
    else break;
  }
  return acknowledged;
};

const isOneOf = (found: Uint8Array | undefined, allowed: ReadonlyArray<Uint8Array | undefined>): boolean =>
  allowed.some((content) =>
    content === undefined ? found === undefined : found !== undefined && Buffer.compare(found, content) === 0
  );

Deno.test("a write that fails at any step leaves the old content whole, and one that returns has the new", async () => {
  const total = await stepsOf(twoWrites);
  assert(total >= 10, `only ${total} steps`);
  for (let failAt = 1; failAt <= total; failAt++) {
    const driver = faultyDisk({ failAt });
    const acknowledged = await twoWrites(diskOver(driver));
    const found = await bytesOf(driver, FILE);
    // A rename that happened before the failing folder sync may already show the new content, whole.
    const allowed = [acknowledged.at(-1), acknowledged.length === 0 ? OLD : NEW];
    assert(isOneOf(found, allowed), `fail at ${failAt}: ${found && new TextDecoder().decode(found)}`);
  }
});

Deno.test("after a failure at any step the same write succeeds when tried again, and survives a power cut", async () => {
  const total = await stepsOf(twoWrites);
  for (let failAt = 1; failAt <= total; failAt++) {
    const driver = faultyDisk({ failAt });
    const disk = diskOver(driver);
    await twoWrites(disk);
    await run(disk.write(FILE, NEW));
    assert(isOneOf(await bytesOf(driver.afterPowerCut(), FILE), [NEW]), `fail at ${failAt}`);
  }
});

Deno.test("no failed write leaves an unfinished half behind", async () => {
  const total = await stepsOf(twoWrites);
  for (let failAt = 1; failAt <= total; failAt++) {
    const driver = faultyDisk({ failAt });
    await twoWrites(diskOver(driver));
    if (await driver.stat("/home/state/deep") === undefined) continue;
    const names = await driver.list("/home/state/deep");
    assert(names.every((name) => !name.endsWith(PART_SUFFIX)), `fail at ${failAt}: ${names}`);
  }
});

/** Cuts the power at every step with every seed; counts the outcomes that break the promise. */
const brokenPromises = async (
  over: (driver: DiskDriver) => DiskShape,
  plan: (cut: number, seed: number) => FaultPlan = (powerCutAt, seed) => ({ powerCutAt, seed }),
): Promise<number> => {
  const counted = faultyDisk();
  await twoWrites(over(counted));
  let broken = 0;
  for (let cut = 1; cut <= counted.steps(); cut++) {
    for (const seed of SEEDS) {
      const driver = faultyDisk(plan(cut, seed));
      const acknowledged = await twoWrites(over(driver));
      const found = await bytesOf(driver.afterPowerCut(), FILE);
      const allowed = [acknowledged.at(-1), acknowledged.length === 0 ? OLD : NEW];
      if (!isOneOf(found, allowed)) broken++;
    }
  }
  return broken;
};

Deno.test("a power cut at any step leaves the last acknowledged content or the whole new one", async () => {
  assert.equal(await brokenPromises(diskOver), 0);
});

Deno.test("the model catches a writer that does not sync the file, the folder, or the new folder's parent", async () => {
  const without = (step: "sync" | "syncFolder") => (driver: DiskDriver) =>
    diskOver({ ...driver, [step]: () => Promise.resolve() });
  assert(await brokenPromises(without("sync")) > 0, "an unsynced file went unnoticed");
  assert(await brokenPromises(without("syncFolder")) > 0, "an unsynced folder went unnoticed");
  const onlyOwnFolder = (driver: DiskDriver) =>
    diskOver({
      ...driver,
      syncFolder: (path) => path === "/home/state/deep" ? driver.syncFolder(path) : Promise.resolve(),
    });
  assert(await brokenPromises(onlyOwnFolder) > 0, "an unsynced parent went unnoticed");
});

Deno.test("the model catches a writer that writes in place", async () => {
  const inPlace = (driver: DiskDriver): DiskShape => ({
    ...diskOver(driver),
    write: (path, content) =>
      Effect.promise(async () => {
        await driver.makeFolder("/home/state/deep");
        await driver.write(path, content as Uint8Array);
        await driver.sync(path);
        for (const folder of ["/", "/home", "/home/state", "/home/state/deep"]) await driver.syncFolder(folder);
      }).pipe(Effect.catchDefect((cause) =>
        Effect.fail(denied({ operation: "test", authority: "writeLocal", detail: String(cause), rule: "broken" }))
      )),
  });
  assert(await brokenPromises(inPlace) > 0);
});

Deno.test("a removal that returned stays done after a power cut", async () => {
  const work = async (disk: DiskShape) => {
    await run(disk.write(FILE, OLD));
    return await run(Effect.result(disk.remove(FILE)));
  };
  const total = await stepsOf(work);
  for (let cut = 1; cut <= total + 1; cut++) {
    for (const seed of SEEDS) {
      const driver = faultyDisk({ powerCutAt: cut, seed });
      const outcome = await work(diskOver(driver)).catch(() => undefined);
      const found = await bytesOf(driver.afterPowerCut(), FILE);
      if (outcome?._tag === "Success") assert.equal(found, undefined, `cut at ${cut}`);
      else assert(isOneOf(found, [undefined, OLD]), `cut at ${cut}`);
    }
  }
});

Deno.test("after a power cut nothing works on the dark disk", async () => {
  const driver = faultyDisk({ powerCutAt: 1 });
  await assert.rejects(driver.makeFolder("/a"), /power went/u);
  await assert.rejects(driver.read("/a"), /power is off/u);
  await assert.rejects(driver.syncFolder("/"), /power is off/u);
});

Deno.test("writes of one file at once leave one of the contents, whole", async () => {
  for (const driver of [memoryDisk(), faultyDisk()]) {
    const disk = diskOver(driver);
    const contents = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(100 + index));
    await run(Effect.all(contents.map((content) => disk.write("/a/file", content)), { concurrency: "unbounded" }));
    assert(contents.includes(await run(disk.readText("/a/file"))));
    assert.deepEqual(await run(disk.list("/a")), ["file"]);
  }
});

Deno.test("a process that may write one file and its plain half alone can still replace it", async () => {
  const memory = memoryDisk();
  await memory.makeFolder("/a");
  const allowed = ["/a/file", `/a/file${PART_SUFFIX}`];
  const narrow: DiskDriver = {
    ...memory,
    writer: "77",
    write: (path, bytes) =>
      allowed.includes(path) ? memory.write(path, bytes) : Promise.reject(new Error("not granted")),
  };
  await run(diskOver(narrow).write("/a/file", "text"));
  assert.deepEqual(memory.files().map(([path]) => path), ["/a/file"]);
});

Deno.test("memory disk: what a caller does to its own arrays does not reach a stored file", async () => {
  const disk = memoryDisk();
  const bytes = Uint8Array.of(1, 2, 3);
  await disk.write("/f", bytes);
  bytes[0] = 9;
  (await disk.read("/f"))[1] = 9;
  assert.deepEqual(disk.files(), [["/f", Uint8Array.of(1, 2, 3)]]);
});

Deno.test("text that is not UTF-8 is a failure, not a replacement character", async () => {
  const disk = diskOver(memoryDisk());
  await run(disk.write("/f", Uint8Array.of(0xff, 0xfe)));
  assert.equal(await codeOf("/", disk.readText("/f")), "KERNEL_DISK");
});

/** The same facts on every driver that knows links. */
interface LinkedDisk {
  readonly driver: DiskDriver;
  readonly root: string;
  readonly link: (path: string, target: string) => Promise<void>;
  readonly close: () => void;
}

const LINKED: ReadonlyArray<readonly [string, () => LinkedDisk]> = [
  ["memory disk", () => {
    const driver = memoryDisk();
    return { driver, root: "/base", link: driver.link, close: () => {} };
  }],
  ["real disk", () => {
    const root = Deno.realPathSync(Deno.makeTempDirSync());
    return {
      driver: platformDisk,
      root,
      link: (path, target) => Deno.symlink(target, path),
      close: () => Deno.removeSync(root, { recursive: true }),
    };
  }],
];

const FAR = "secret outside";

/** A granted folder `in` beside a folder `out` that is not granted. */
const withFolders = async (
  open: () => LinkedDisk,
  body: (
    given: LinkedDisk & { readonly inside: string; readonly outside: string; readonly disk: DiskShape },
  ) => Promise<void>,
): Promise<void> => {
  const given = open();
  try {
    const inside = `${given.root}/in`;
    const outside = `${given.root}/out`;
    await given.driver.makeFolder(inside);
    await given.driver.makeFolder(outside);
    await given.driver.write(`${outside}/file`, new TextEncoder().encode(FAR));
    await body({ ...given, inside, outside, disk: diskOver(given.driver) });
    // Whatever was tried, the folder that was not granted is as it was.
    assert.deepEqual(await given.driver.list(outside), ["file"]);
    assert.equal(new TextDecoder().decode(await given.driver.read(`${outside}/file`)), FAR);
  } finally {
    given.close();
  }
};

for (const [name, open] of LINKED) {
  Deno.test(`${name}: a link to a file outside is refused for reading and writing`, () =>
    withFolders(open, async ({ disk, link, inside, outside }) => {
      await link(`${inside}/door`, `${outside}/file`);
      assert.equal(await codeOf(inside, disk.read(`${inside}/door`)), "KERNEL_DENIED");
      assert.equal(await codeOf(inside, disk.stat(`${inside}/door`)), "KERNEL_DENIED");
      assert.equal(await codeOf(inside, disk.write(`${inside}/door`, "x")), "KERNEL_DENIED");
    }));

  Deno.test(`${name}: a link to a folder outside is refused for what lies behind it, present or not`, () =>
    withFolders(open, async ({ disk, link, inside, outside }) => {
      await link(`${inside}/door`, outside);
      for (const path of ["door/file", "door/new", "door/new/deeper"]) {
        assert.equal(await codeOf(inside, disk.write(`${inside}/${path}`, "x")), "KERNEL_DENIED", path);
        assert.equal(await codeOf(inside, disk.makeFolder(`${inside}/${path}`)), "KERNEL_DENIED", path);
        assert.equal(await codeOf(inside, disk.remove(`${inside}/${path}`)), "KERNEL_DENIED", path);
      }
      assert.equal(await codeOf(inside, disk.list(`${inside}/door`)), "KERNEL_DENIED");
    }));

  Deno.test(`${name}: a chain of links, relative and absolute, is followed to its end before the grant is asked`, () =>
    withFolders(open, async ({ disk, link, inside, outside }) => {
      await link(`${inside}/one`, "two");
      await link(`${inside}/two`, `${inside}/three`);
      await link(`${inside}/three`, "../out");
      assert.equal(await codeOf(inside, disk.read(`${inside}/one/file`)), "KERNEL_DENIED");
      assert.equal(await codeOf(inside, disk.write(`${inside}/one/new`, "x")), "KERNEL_DENIED");
      assert.equal(await codeOf(outside, disk.read(`${inside}/one/file`)), "done");
    }));

  Deno.test(`${name}: a dangling link is refused, since writing through it would create its target`, () =>
    withFolders(open, async ({ disk, link, inside, outside }) => {
      await link(`${inside}/door`, `${outside}/absent`);
      assert.equal(await codeOf(inside, disk.write(`${inside}/door`, "x")), "KERNEL_DISK");
      assert.equal(await codeOf(inside, disk.write(`${inside}/door/deeper`, "x")), "KERNEL_DISK");
    }));

  Deno.test(`${name}: a circle of links is a failure, not a hang`, () =>
    withFolders(open, async ({ disk, link, inside }) => {
      await link(`${inside}/a`, "b");
      await link(`${inside}/b`, "a");
      assert.equal(await codeOf(inside, disk.read(`${inside}/a`)), "KERNEL_DISK");
      assert.equal(await codeOf(inside, disk.write(`${inside}/a/x`, "x")), "KERNEL_DISK");
    }));

  Deno.test(`${name}: dots do not lead out`, () =>
    withFolders(open, async ({ disk, link, inside }) => {
      assert.equal(await codeOf(inside, disk.read(`${inside}/../out/file`)), "KERNEL_DENIED");
      assert.equal(await codeOf(inside, disk.write(`${inside}/new/../../out/file`, "x")), "KERNEL_DENIED");
      await link(`${inside}/up`, "..");
      assert.equal(await codeOf(inside, disk.read(`${inside}/up/out/file`)), "KERNEL_DENIED");
      assert.equal(await codeOf(inside, disk.remove(`${inside}/..`)), "KERNEL_DENIED");
    }));

  Deno.test(`${name}: removing a link removes the link, not what it points to`, () =>
    withFolders(open, async ({ disk, driver, link, inside, outside }) => {
      await link(`${inside}/door`, outside);
      await runIn(inside, disk.remove(`${inside}/door`));
      assert.deepEqual(await driver.list(inside), []);
    }));

  Deno.test(`${name}: inside the granted folder a link works, and a write goes to its target`, () =>
    withFolders(open, async ({ disk, link, inside }) => {
      await runIn(inside, disk.write(`${inside}/real`, "one"));
      await link(`${inside}/alias`, "real");
      await runIn(inside, disk.write(`${inside}/alias`, "two"));
      assert.equal(await runIn(inside, disk.readText(`${inside}/real`)), "two");
      assert.deepEqual(await runIn(inside, disk.list(inside)), ["alias", "real"]);
    }));

  Deno.test(`${name}: a folder whose name begins like the granted one is not inside it`, () =>
    withFolders(open, async ({ disk, driver, root, inside }) => {
      await driver.makeFolder(`${root}/inner`);
      assert.equal(await codeOf(inside, disk.write(`${root}/inner/x`, "x")), "KERNEL_DENIED");
    }));

  Deno.test(`${name}: removing what is not there is no error, reading it is a failure`, () =>
    withFolders(open, async ({ disk, inside }) => {
      assert.equal(await codeOf(inside, disk.remove(`${inside}/absent`)), "done");
      assert.equal(await codeOf(inside, disk.remove(`${inside}/absent/deeper`)), "done");
      assert.equal(await codeOf(inside, disk.read(`${inside}/absent`)), "KERNEL_DISK");
      assert.equal(await runIn(inside, disk.stat(`${inside}/absent`)), undefined);
    }));
}
