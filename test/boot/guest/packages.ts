// Packages from npm that were written for AssemblyScript, and not by us: a hash, big numbers, JSON.

import { u128 } from "as-bignum/assembly";
import { JSON } from "assemblyscript-json/assembly";
import { hash } from "wasm-crypto/assembly/crypto";

function hex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    text += (bytes[i] >> 4).toString(16) + (bytes[i] & 15).toString(16);
  }
  return text;
}

console.log("sha512 " + hex(hash(Uint8Array.wrap(String.UTF8.encode("abc")))));
console.log("sha512 " + hex(hash(new Uint8Array(10000))));

const big = u128.from("340282366920938463463374607431768211455");
const odd = u128.from(<u64>12345678901234567);
console.log("u128 " + (big / odd).toString() + " " + (big % odd).toString() + " " + (odd * odd).toString());
console.log("u128 " + (u128.from(u64.MAX_VALUE) << 60).toString(16));

const parsed = JSON.parse('{"name":"Grüße","list":[1,-2.5,null,true],"inner":{"a":[]}}');
console.log("json " + parsed.stringify());
