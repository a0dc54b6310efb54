import type { EvidenceDraft, ReadReference } from '../analyzers/define.ts';
import { objectName } from '../analyzers/define.ts';
import type { Evidence } from '../core/run.ts';
import type { Timestamp } from '../core/time.ts';
import { printable } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { boundLog, boundStart } from './bounds.ts';
import { commandOf } from './commands.ts';

const maxLines = 40;
const maxCharacters = 4096;
const maxLineCharacters = 600;
/** So much is redacted: several times what an excerpt shows, and less than a turn of the event loop. */
const lookedAt = 16 * 1024;

/** 7 of `e7`. */
export function evidenceNumber({ id }: Pick<Evidence, 'id'>): number {
  return Number(id.slice(1));
}

/** Numbers the evidence of a run. */
export interface EvidenceRecorder {
  /** The id of this evidence, the one it has already if the same read was recorded before; null where nothing was read. */
  record(draft: EvidenceDraft): string | null;
  /**
   * The answer to one question of a model; null where nothing was said. Two questions may be shown by one command (lines of a log
   * before and after a moment), so each answer that differs has an id of its own: what is cited must stand in it.
   */
  add(found: Omit<Evidence, 'id'>, keepEnd?: boolean): Evidence | null;
  /** Evidence of an earlier attempt: it keeps its id, which no other gets. */
  adopt(evidence: Evidence): void;
  has(id: string): boolean;
  list(): readonly Evidence[];
}

/**
 * @param first number of the first id, so that ids are never used twice within a run
 * @param observedAt the clock of the evidence
 * @param covers whether a read was really made and answered
 */
export function createRecorder(
  first: number,
  observedAt: Timestamp,
  covers: (read: ReadReference) => boolean,
): EvidenceRecorder {
  const recorded = new Map<string, Evidence>();
  /** Ids of what reads of the cluster said, by command. */
  const ofReads = new Map<string, string>();
  let next = first;
  const put = (evidence: Evidence): Evidence => {
    recorded.set(evidence.id, evidence);
    return evidence;
  };
  const number = (found: Omit<Evidence, 'id'>): Evidence => put({ id: `e${next++}`, ...found });
  return {
    record(draft) {
      if (draft.excerpt === '' || !covers(draft.read)) return null;
      const command = commandOf(draft.read);
      const excerpt = boundedExcerpt(draft.excerpt, draft.read.kind === 'logs');
      const before = recorded.get(ofReads.get(command) ?? '');
      if (before !== undefined) return put({ ...before, excerpt: merged(before, excerpt) }).id;
      const { id } = number({
        kind: draft.read.kind,
        object: objectOf(draft.read),
        command,
        time: observedAt,
        excerpt,
      });
      ofReads.set(command, id);
      return id;
    },
    add(found, keepEnd = false) {
      if (found.excerpt === '') return null;
      const answer = { ...found, excerpt: boundedExcerpt(found.excerpt, keepEnd) };
      const same = [...recorded.values()].find(
        ({ object, command, excerpt }) =>
          object === answer.object && command === answer.command && excerpt === answer.excerpt,
      );
      return same ?? number(answer);
    },
    adopt(evidence) {
      put(evidence);
      next = Math.max(next, evidenceNumber(evidence) + 1);
    },
    has: (id) => recorded.has(id),
    list: () => [...recorded.values()],
  };
}

/** Both excerpts, where they are different parts of what one read said. */
function merged({ excerpt: before }: Evidence, excerpt: string): string {
  if (before.includes(excerpt)) return before;
  const both = before.includes('\n') && excerpt.includes(before) ? excerpt : `${before}\n${excerpt}`;
  return cut(both, false);
}

function objectOf(read: ReadReference): string {
  if (read.kind === 'metrics') return read.object;
  if (read.kind === 'logs') return objectName('pod', read.namespace, read.pod);
  if (read.kind === 'list') return objectName(read.resource, read.namespace, '*');
  return objectName(read.of, read.namespace, read.name);
}

/**
 * Redacted first, then made safe to show, then cut: of a log the beginning, of anything else the end. What is far too much
 * goes before; of a log, which was redacted when it was read, no secret is parted by that.
 */
export function boundedExcerpt(text: string, keepEnd: boolean): string {
  const bounded = keepEnd ? boundLog(text, lookedAt) : boundStart(text, lookedAt);
  return cut(printable(redact(bounded)), keepEnd, newlines(text) - newlines(bounded));
}

function newlines(text: string): number {
  return text.split('\n').length - 1;
}

/** @param gone lines that were left out before */
function cut(text: string, keepEnd: boolean, gone = 0): string {
  const lines = text
    .split('\n')
    .map((line) => (line.length > maxLineCharacters ? `${line.slice(0, maxLineCharacters)}… [line cut]` : line));
  const kept: string[] = [];
  let size = 0;
  for (const line of keepEnd ? lines.toReversed() : lines) {
    size += line.length + 1;
    if (kept.length >= maxLines - 1 || size > maxCharacters - 40) break;
    kept.push(line);
  }
  const leftOut = lines.length - kept.length + gone;
  if (leftOut === 0) return lines.join('\n');
  const mark = `[${leftOut} lines left out]`;
  return keepEnd ? [mark, ...kept.toReversed()].join('\n') : [...kept, mark].join('\n');
}
