/** Dollars to millionths of a dollar, which sums keep whole. */
export function micros(dollars: number): number {
  return Math.round(dollars * 1_000_000);
}

/** For people: `$0.0123`, `$1.50`. */
export function dollarsText(costMicros: number): string {
  const dollars = costMicros / 1_000_000;
  return `$${dollars.toFixed(dollars > 0 && dollars < 0.1 ? 4 : 2)}`;
}
