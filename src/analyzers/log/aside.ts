import type { FailureKind } from './known.ts';
import type { LogRecord } from './records.ts';

const asideKinds: ReadonlySet<FailureKind | null> = new Set([null, 'permission', 'missing-file', 'read-only']);
const cache =
  /\b(?:open|creat|writ|read|load|sav|initiali[sz]|updat|access|us|stor|persist|mkdir)\w*\b(?: (?:to|from|in|the|a|an|its|local|on-disk|\w{1,20})){0,3} (?:cache|history)\b/i;
const cachePlace =
  /(?:^|[/'"\s])\.cache\/|\bcache (?:director(?:y|ies)\b|has been disabled|could not be (?:used|opened))/i;
const terminal =
  /\bsetlocale\b|\b(?:change|set|setting) locale\b|cannot find name for (?:user|group) ID|inappropriate ioctl for device|no job control in this shell|\bTERM environment variable not set|^tput: /i;
/**
 * Advice of the JVM's databases on speed. Other words of locked memory and jemalloc end a program: Vault without mlock,
 * jemalloc on pages of another size.
 */
const memoryAdvice = /\bunable to lock JVM memory\b|\bjemalloc shared library could not be preloaded\b/i;

/** Whether a record tells of a part that a program can do without: a cache on disk, a history, the locale, a terminal, faster memory. */
export function isAside({ text, ends, level }: LogRecord, kind: FailureKind | null): boolean {
  return (
    !ends &&
    level !== 'fatal' &&
    (terminal.test(text) ||
      memoryAdvice.test(text) ||
      (asideKinds.has(kind) && (cache.test(text) || cachePlace.test(text))))
  );
}
