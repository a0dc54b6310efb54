/** Where a reader of the stream is. */
export interface Position {
  /** Everything that was committed some time before this moment of the store's clock has been told. */
  readonly atMs: number;
  /** The process that told it. */
  readonly process: string;
  /** Which of what that process has told was the last. */
  readonly number: number;
}

/** The `id:` of an event. */
export function positionText({ atMs, process, number }: Position): string {
  return `${atMs}-${process}-${number}`;
}

/** Null for what {@link positionText} cannot have written. */
export function readPosition(text: string): Position | null {
  const [, atMs, process, number] = /^(\d{1,15})-([0-9a-f]{8})-(\d{1,15})$/.exec(text) ?? [];
  if (atMs === undefined || process === undefined || number === undefined) return null;
  return { atMs: Number(atMs), process, number: Number(number) };
}
