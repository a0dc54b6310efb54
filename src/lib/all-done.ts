/**
 * Like Promise.all, but does not reject before all of them have ended: calls of a transaction must not outlive it. Rejects
 * with the error of the first in the order of `calls`.
 */
export async function allDone<const Calls extends readonly unknown[]>(
  calls: Calls,
): Promise<{ -readonly [Index in keyof Calls]: Awaited<Calls[Index]> }> {
  const results = await Promise.allSettled(calls);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as Awaited<
    ReturnType<typeof allDone<Calls>>
  >;
}
