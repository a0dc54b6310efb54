// Generated cases: `npm test` runs a part of them, spread over all; `.ci/run`, which sets TEST_ROUNDS=all, runs every one.

const isAll = process.env['TEST_ROUNDS'] === 'all';

/** How many rounds to run: `some` of `all`. */
export function rounds(some: number, all: number): number {
  return isAll ? all : some;
}

/** Every third of the cases, or all of them. */
export function partOf<T>(cases: readonly T[]): readonly T[] {
  return isAll ? cases : cases.filter((_, place) => place % 3 === 0);
}
