/** What a number is in: `ratio` is 0 to 1, cores are those of a processor. */
export type AmountUnit = 'bytes' | 'cores' | 'ratio' | 'number';

const byteUnits = [
  ['Ti', 2 ** 40],
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
  ['Ki', 2 ** 10],
] as const;

/** Bytes in binary units: `1.5Gi`. */
export function bytesText(amount: number): string {
  const unit = byteUnits.find(([, size]) => amount >= size);
  return unit === undefined ? String(Math.round(amount)) : `${rounded(amount / unit[1])}${unit[0]}`;
}

/** Cores, or thousandths of them: `250m`. */
export function coresText(amount: number): string {
  return Number.isInteger(amount) ? String(amount) : `${Math.round(amount * 1000)}m`;
}

/** An amount for people, in few characters. */
export function amountText(amount: number, unit: AmountUnit): string {
  switch (unit) {
    case 'bytes':
      return bytesText(amount);
    case 'cores':
      return coresText(amount);
    case 'ratio':
      return `${rounded(amount * 100)}%`;
    default:
      return String(Number(amount.toPrecision(4)));
  }
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
