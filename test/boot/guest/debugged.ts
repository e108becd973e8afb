// For test/boot/gdb.test.ts: variables of all kinds, some with names that C has other plans for, and a stop on the way to a crash.

class Account {
  constructor(
    public owner: string,
    public balance: i64,
  ) {}
}

function interest(account: Account, rate: f64, years: i32): f64 {
  let total: f64 = <f64>account.balance;
  for (let year = 1; year <= years; year++) {
    const register = total * rate;
    total += register; // line: year
  }
  return total; // line: total
}

function outer(depth: i32): f64 {
  const account = new Account("Ada", 1000);
  const years = depth + 2;
  const result = interest(account, 0.5, years); // line: call
  return result;
}

const result = outer(1);
console.log(result.toString());

function pick(values: i32[], position: i32): i32 {
  const last = values.length - 1;
  return values[position + last]; // line: crash
}
console.log(pick([1, 2, 3], 7).toString());
