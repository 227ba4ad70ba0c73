import { INTEGERS, REALS } from "./layout";

/** Integer field of the current fit. */
@inline
export function int(field: i32): i32 {
  return load<i32>(INTEGERS + (field << 2));
}

@inline
export function setInt(field: i32, value: i32): void {
  store<i32>(INTEGERS + (field << 2), value);
}

/** Pointer field of the current fit. */
@inline
export function pointer(field: i32): usize {
  return <usize>load<u32>(INTEGERS + (field << 2));
}

/** Float64 field of the current fit. */
@inline
export function real(field: i32): f64 {
  return load<f64>(REALS + (field << 3));
}

@inline
export function setReal(field: i32, value: f64): void {
  store<f64>(REALS + (field << 3), value);
}

/** A well mixed 32-bit hash of two words. */
@inline
export function hash2(a: u32, b: u32): u32 {
  let h = (a ^ 0x9e3779b9) * 0x85ebca6b;
  h ^= h >>> 15;
  h = (h + b) * 0xc2b2ae35;
  h ^= h >>> 13;
  h *= 0x27d4eb2f;
  return h ^ (h >>> 16);
}
