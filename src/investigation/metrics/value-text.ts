import { quantityText } from '../../analyzers/reading/quantity.ts';

/** A number of a metric for people: bytes in binary units where the expression measures bytes, else four digits that tell. */
export function valueText(value: number, expression: string): string {
  if (!Number.isFinite(value)) return String(value);
  const isBytes = /_bytes\b/.test(expression) && !/\/|\brate\b|\birate\b/.test(expression) && Math.abs(value) >= 1024;
  if (isBytes) return quantityText('memory', value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  return String(Number(value.toPrecision(4)));
}
