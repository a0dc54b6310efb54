/** How pauses between tries grow. Milliseconds. */
export interface BackOff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/**
 * The pause after so many failures in a row (from 1): exponential with jitter, at least half of what it may be, so that many who
 * failed together come back apart and nobody comes back at once. `random` is from 0 to 1.
 */
export function backOffMs({ firstMs, mostMs }: BackOff, failures: number, random: number): number {
  const longest = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(longest * (0.5 + random / 2));
}
