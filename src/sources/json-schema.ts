import type { JsonObject } from '../core/json.ts';
import { compileCheck } from '../lib/json-schema.ts';
import { withinTime } from '../lib/time-limit.ts';
import { checkApart } from './long-check.ts';
import type { Wrong } from './pairs.ts';

/** What is wrong with a value; null = nothing. Rejects with an AppError where that cannot be said now. */
export type CheckValue = (value: unknown) => Promise<Wrong | null>;

/** Of one body on this thread; most take less than one. */
const mostHereMs = 20;

/** A check that leaves to a thread what takes long. Throws InvalidResource. */
export function compileJsonSchema(schema: JsonObject): CheckValue {
  const check = compileCheck(schema);
  return async (value) => {
    const wrong = withinTime(mostHereMs, () => check(value));
    return wrong === undefined ? checkApart({ schema, value }) : wrong;
  };
}
