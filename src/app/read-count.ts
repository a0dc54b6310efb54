import { AppError } from '../core/errors.ts';

/** A whole number from 1 to `most`. Throws InvalidInput that names the flag. */
export function readCount(text: string, flag: string, most: number): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw new AppError('InvalidInput', `${flag} ${text} is not a whole number from 1 to ${most}`);
}
