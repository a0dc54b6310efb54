import type { Runbook } from '../../core/readers.ts';
import type { AlertSnapshot } from '../../core/run.ts';

/** Why a runbook is taken to be the one. */
export interface RunbookMatch {
  readonly runbook: Runbook;
  readonly why: string;
  /** It is for this very alert. */
  readonly isForAlert: boolean;
}

/**
 * Runbooks for an alert: those that name it, are called like it, or that its runbook_url ends with. Pure; a runbook that is for
 * others only is none, because a wrong one is worse than none.
 */
export function runbooksFor(
  alert: Pick<AlertSnapshot, 'name' | 'annotations'>,
  all: readonly Runbook[],
): readonly RunbookMatch[] {
  const ending = wordOf(
    (alert.annotations['runbook_url'] ?? '')
      .replace(/[#?].*$/, '')
      .replace(/\/+$/, '')
      .split('/')
      .at(-1) ?? '',
  );
  const name = wordOf(alert.name);
  const anchor = wordOf((alert.annotations['runbook_url'] ?? '').split('#')[1] ?? '');
  return all.flatMap((runbook): readonly RunbookMatch[] => {
    const named = runbook.alerts.some((one) => wordOf(one) === name);
    const base = wordOf(baseOf(runbook));
    const why = named
      ? `it names alert ${alert.name}`
      : base === name
        ? 'its file is called like the alert'
        : runbook.alerts.length === 0 && base !== '' && (base === ending || base === anchor)
          ? 'the runbook_url of the alert leads to it'
          : null;
    return why === null ? [] : [{ runbook, why, isForAlert: true }];
  });
}

/** Part of the words of a question that a runbook must have in its title, headings or file name. */
const leastPart = 0.6;
/** Runbooks that a search gives. */
export const mostFound = 5;

/** Runbooks whose title, headings or name have most words of a question, the best first. Pure. */
export function runbooksAbout(question: string, all: readonly Runbook[]): readonly RunbookMatch[] {
  const asked = [...new Set(wordsOf(question))];
  if (asked.length === 0) return [];
  return all
    .map((runbook) => {
      const words = new Set(
        wordsOf(`${runbook.title} ${baseOf(runbook)} ${runbook.alerts.join(' ')} ${headingsOf(runbook.text)}`),
      );
      const found = asked.filter((word) => words.has(word));
      return { runbook, found };
    })
    .filter(({ found }) => found.length / asked.length >= leastPart)
    .sort((one, other) => other.found.length - one.found.length || (one.runbook.name < other.runbook.name ? -1 : 1))
    .slice(0, mostFound)
    .map(({ runbook, found }) => ({ runbook, why: `its headings have: ${found.join(', ')}`, isForAlert: false }));
}

function baseOf({ name }: Runbook): string {
  return (
    name
      .split('/')
      .at(-1)
      ?.replace(/\.\w+$/, '') ?? ''
  );
}

const wordOf = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]+/g, '');

function headingsOf(text: string): string {
  return [...text.matchAll(/^#{1,4}\s+(.+)$/gm)].map(([, heading]) => heading).join(' ');
}

const common: ReadonlySet<string> = new Set(
  'the and for with from that this what when why how are was not pod pods alert alerts error errors kubernetes cluster service'.split(
    ' ',
  ),
);

/** Words that tell something, in small letters; `KubePodCrashLooping` is several. */
function wordsOf(text: string): readonly string[] {
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length >= 3 && !common.has(word));
}
