import { bytesText, coresText } from '../../lib/amount-text.ts';

const units: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** An amount as Kubernetes writes it (`250m`, `1.5Gi`, `2e3`) as a number of cores, bytes or things; null where it is none. */
export function quantityOf(text: string): number | null {
  const parts = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text.trim());
  if (parts === null) return null;
  const [, number = '', unit] = parts;
  return Number(number) * (unit === undefined ? 1 : (units[unit] ?? 1));
}

/** A number as a quantity for people: processor time in cores or thousandths, memory and storage in binary units. */
export function quantityText(resource: string, amount: number): string {
  if (/(?:^|\.)(?:memory|storage|ephemeral-storage)$|hugepages-/.test(resource)) return bytesText(amount);
  return /(?:^|\.)cpu$/.test(resource) && !Number.isInteger(amount)
    ? coresText(amount)
    : String(Math.round(amount * 10) / 10);
}
