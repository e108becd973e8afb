function deeper(depth: i32): i32 {
  return depth == 0 ? 0 : deeper(depth + 1) + 1;
}
console.log(deeper(1).toString());
