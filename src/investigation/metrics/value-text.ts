import { quantityText } from '../../analyzers/reading/quantity.ts';

/** A number of a metric for people: bytes in binary units where the expression measures bytes, else four digits that tell. */
export function valueText(value: number, expression: string): string {
  if (!Number.isFinite(value)) return String(value);
  if (isBytes(expression) && Math.abs(value) >= 1024) return quantityText('memory', value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  return String(Number(value.toPrecision(4)));
}

/** `98%`; never 100 where it is less. */
export function percentOf(value: number, limit: number): string {
  const percent = (value / limit) * 100;
  return `${percent < 100 ? Math.min(99, Math.round(percent)) : Math.round(percent)}%`;
}

/** Whether an expression measures bytes: not a part of them, and not how they change. */
export function isBytes(expression: string): boolean {
  return /_bytes\b/.test(expression) && !/\/|\brate\b|\birate\b/.test(expression);
}
