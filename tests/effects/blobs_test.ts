/**
 * Blobs: bytes by digest, private ones under a key, deletion without harm to the chain.
 */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import * as Effect from "effect/Effect";
import { type Blobs, diskBlobs, MAX_BLOB_BYTES, memoryBlobs } from "../../effects/blobs.ts";
import { ensureKey, readKey } from "../../effects/ledger/key_file.ts";
import { type Digest, Disk, Entropy } from "../../kernel/mod.ts";
import { failureOf, inFolder, numbered, platform, withLedger } from "./ledger_fixtures.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const make = (folder: string | undefined, limit?: number): Blobs =>
  Effect.runSync(
    Effect.gen(function* () {
      const entropy = yield* Entropy;
      return folder === undefined
        ? memoryBlobs(entropy, undefined, limit)
        : diskBlobs(yield* Disk, entropy, folder, limit);
    }).pipe(Effect.provide(platform())),
  );

const fileOf = (folder: string, digest: Digest): string => `${folder}/blobs/${digest.slice(7, 9)}/${digest.slice(9)}`;

for (const where of ["on disk", "in memory"]) {
  const withBlobs = (body: (blobs: Blobs) => Promise<void>, limit?: number) =>
    inFolder((folder) => body(make(where === "on disk" ? folder : undefined, limit)));

  Deno.test(`a public blob's digest is SHA-256 of its bytes, and its bytes come back (${where})`, () =>
    withBlobs(async (blobs) => {
      for (const bytes of [new Uint8Array(0), bytesOf("hello"), new Uint8Array(100_000).fill(7)]) {
        const digest = await Effect.runPromise(blobs.put(bytes));
        assert.equal(digest, `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
        assert.equal(await Effect.runPromise(blobs.put(bytes)), digest);
        assert.deepEqual(await Effect.runPromise(blobs.get(digest)), bytes);
      }
    }));

  Deno.test(`a private blob's digest is not SHA-256 of its bytes, and repeats (${where})`, () =>
    withBlobs(async (blobs) => {
      const bytes = bytesOf("a diagnosis");
      const digest = await Effect.runPromise(blobs.put(bytes, { private: true }));
      assert.notEqual(digest, `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
      assert.equal(await Effect.runPromise(blobs.put(bytes, { private: true })), digest);
      assert.deepEqual(await Effect.runPromise(blobs.get(digest)), bytes);
    }));

  Deno.test(`what was dropped or never stored is absent; dropping twice is no error (${where})`, () =>
    withBlobs(async (blobs) => {
      const digest = await Effect.runPromise(blobs.put(bytesOf("x")));
      await Effect.runPromise(blobs.drop(digest));
      await Effect.runPromise(blobs.drop(digest));
      assert.equal((await failureOf(blobs.get(digest))).code, "EFFECTS_BLOB_ABSENT");
      assert.equal((await failureOf(blobs.get(`sha256:${"0".repeat(64)}`))).code, "EFFECTS_BLOB_ABSENT");
      await Effect.runPromise(blobs.put(bytesOf("x")));
      assert.deepEqual(await Effect.runPromise(blobs.get(digest)), bytesOf("x"));
    }));

  Deno.test(`a text that is no digest reaches no file (${where})`, () =>
    withBlobs(async (blobs) => {
      for (const text of ["", "sha256:", "sha256:../../../../etc/passwd", `sha256:${"A".repeat(64)}`]) {
        assert.equal((await failureOf(blobs.get(text as Digest))).code, "KERNEL_MALFORMED_NAME");
        assert.equal((await failureOf(blobs.drop(text as Digest))).code, "KERNEL_MALFORMED_NAME");
      }
    }));

  Deno.test(`a blob has a largest size, reachable (${where})`, () =>
    withBlobs(async (blobs) => {
      const digest = await Effect.runPromise(blobs.put(new Uint8Array(1000)));
      assert.equal((await Effect.runPromise(blobs.get(digest))).length, 1000);
      assert.equal((await failureOf(blobs.put(new Uint8Array(1001)))).code, "EFFECTS_LEDGER_LIMIT");
    }, 1000));
}

Deno.test("the limit in force is the constant", async () => {
  const blobs = make(undefined);
  assert.equal((await failureOf(blobs.put(new Uint8Array(MAX_BLOB_BYTES + 1)))).code, "EFFECTS_LEDGER_LIMIT");
  await Effect.runPromise(blobs.put(new Uint8Array(MAX_BLOB_BYTES)));
});

Deno.test("a private digest is HMAC-SHA-256 under the key file, which only its owner can read", async () => {
  await inFolder(async (folder) => {
    const blobs = make(folder);
    const digest = await Effect.runPromise(blobs.put(bytesOf("secret"), { private: true }));
    const key = Deno.readFileSync(`${folder}/blobs.key`);
    assert.equal(key.length, 32);
    assert.equal(digest, `sha256:${createHmac("sha256", key).update("secret").digest("hex")}`);
    if (Deno.build.os !== "windows") assert.equal(Deno.statSync(`${folder}/blobs.key`).mode! & 0o777, 0o600);
    // Another opening of the folder finds it under the same key.
    assert.deepEqual(await Effect.runPromise(make(folder).get(digest)), bytesOf("secret"));
  });
});

Deno.test("of two makers of the key the first wins, and a damaged key is never replaced", async () => {
  await inFolder((folder) => {
    const file = `${folder}/key`;
    const first = ensureKey(file, new Uint8Array(32).fill(1), "a");
    assert.deepEqual(ensureKey(file, new Uint8Array(32).fill(2), "b"), first);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["key"]);
    Deno.writeFileSync(file, new Uint8Array(31));
    assert.throws(() => readKey(file), /31 bytes/u);
    assert.throws(() => ensureKey(file, new Uint8Array(32), "c"), /31 bytes/u);
    return Promise.resolve();
  });
  await inFolder(async (folder) => {
    Deno.writeFileSync(`${folder}/blobs.key`, new Uint8Array(5));
    const failure = await failureOf(make(folder).put(bytesOf("x"), { private: true }));
    assert.equal(failure.code, "EFFECTS_LEDGER_STORE");
  });
});

Deno.test("a damaged blob is not answered, and storing it again mends it", async () => {
  await inFolder(async (folder) => {
    const blobs = make(folder);
    for (const options of [{}, { private: true }]) {
      const digest = await Effect.runPromise(blobs.put(bytesOf("content"), options));
      for (const damage of ["cOntent", "content and more", ""]) {
        Deno.writeTextFileSync(fileOf(folder, digest), damage);
        assert.equal((await failureOf(blobs.get(digest))).code, "EFFECTS_BLOB_DAMAGED");
        await Effect.runPromise(blobs.put(bytesOf("content"), options));
        assert.deepEqual(await Effect.runPromise(blobs.get(digest)), bytesOf("content"));
      }
    }
  });
});

Deno.test("a link inside the blobs folder leads nowhere outside the state folder", async () => {
  if (Deno.build.os === "windows") return;
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/state/blobs`, { recursive: true });
    Deno.mkdirSync(`${folder}/outside`);
    const hex = createHash("sha256").update("bait").digest("hex");
    Deno.writeTextFileSync(`${folder}/outside/${hex.slice(2)}`, "bait");
    Deno.symlinkSync(`${folder}/outside`, `${folder}/state/blobs/${hex.slice(0, 2)}`);
    const blobs = make(`${folder}/state`);
    assert.equal((await failureOf(blobs.get(`sha256:${hex}`))).code, "KERNEL_DENIED");
    assert.equal((await failureOf(blobs.put(bytesOf("bait")))).code, "KERNEL_DENIED");
    assert.equal((await failureOf(blobs.drop(`sha256:${hex}`))).code, "KERNEL_DENIED");
    assert.equal(Deno.readTextFileSync(`${folder}/outside/${hex.slice(2)}`), "bait");
  });
});

Deno.test("a state folder that is itself reached through a link works", async () => {
  if (Deno.build.os === "windows") return;
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/real`);
    Deno.symlinkSync(`${folder}/real`, `${folder}/alias`);
    const blobs = make(`${folder}/alias/state`);
    const digest = await Effect.runPromise(blobs.put(bytesOf("x")));
    assert.deepEqual(await Effect.runPromise(blobs.get(digest)), bytesOf("x"));
  });
});

Deno.test("deleting a blob that events refer to leaves the chain whole", async () => {
  await inFolder((folder) =>
    withLedger(folder, (ledger) =>
      Effect.gen(function* () {
        const digest = yield* ledger.putBlob(bytesOf("large"), { private: true });
        yield* ledger.append([{ ...numbered(1), data: { payload: digest } }]);
        yield* ledger.dropBlob(digest);
        assert.equal((yield* ledger.verify).ok, true);
        assert.equal((yield* Effect.flip(ledger.getBlob(digest))).code, "EFFECTS_BLOB_ABSENT");
      }))
  );
});
