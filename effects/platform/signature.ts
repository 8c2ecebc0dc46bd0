/**
 * Platform signatures: Ed25519 through `node:crypto`, loaded on first use.
 *
 * The kernel only verifies. Signing is for the holder of a private key, in a process of their own; the kernel is never
 * given a private key and cannot read one.
 *
 * @module
 */

import { Buffer } from "node:buffer";

const load = (): Promise<typeof import("node:crypto")> => import("node:crypto");

const toUrl = (base64: string): string => base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** Whether a signature (base64) of a text was made with the private half of a raw Ed25519 public key (base64). */
export const verifySignature = async (publicKey: string, text: string, signature: string): Promise<boolean> => {
  const crypto = await load();
  try {
    const key = crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: toUrl(publicKey) }, format: "jwk" });
    const bytes = new Uint8Array(Buffer.from(signature, "base64"));
    return bytes.length === 64 && crypto.verify(null, new TextEncoder().encode(text), key, bytes);
  } catch {
    return false;
  }
};

/** Signs a text with a private key in PEM (PKCS #8); the answer is base64. */
export const signText = async (privateKeyPem: string, text: string): Promise<string> => {
  const crypto = await load();
  const signature = crypto.sign(null, new TextEncoder().encode(text), crypto.createPrivateKey(privateKeyPem));
  return signature.toString("base64");
};

/** A fresh key pair: the raw public key in base64, the private key in PEM (PKCS #8). */
export const newKeyPair = async (): Promise<{ readonly publicKey: string; readonly privateKey: string }> => {
  const crypto = await load();
  const pair = crypto.generateKeyPairSync("ed25519");
  const jwk = pair.publicKey.export({ format: "jwk" });
  return {
    publicKey: Buffer.from(jwk.x as string, "base64url").toString("base64"),
    privateKey: pair.privateKey.export({ format: "pem", type: "pkcs8" }) as string,
  };
};
