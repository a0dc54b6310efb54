/** The same work for all who ask: it is done by the first, so that it does not matter which test is first. */
export function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let done: Promise<Result> | null = null;
  return () => (done ??= work());
}
