import type { DemoEvent } from '../app/demo-event.ts';
import { createLog } from '../lib/log.ts';
import { plain } from '../lib/printable.ts';
import { wrap } from '../lib/wrap.ts';
import { readVersion } from '../lib/version.ts';
import { whenAborted } from '../lib/when-aborted.ts';
import { causeSentence, percent } from '../report/words.ts';
import { bold, columnsOf, eventText } from './demo-text.ts';
import { inWordsOf } from './called-as.ts';
import { endProcess } from './end-process.ts';
import { answerIsNo } from './failure.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';
import { createPace, noPace } from './pace.ts';
import type { Pace } from './pace.ts';
import { exitCodeOf, onStopSignals } from './signals.ts';
import { table } from './table.ts';

interface DemoFlags {
  readonly ci?: boolean;
  readonly fast?: boolean;
  readonly story?: string;
  readonly keep?: boolean;
}

/** What a story came to, for the table at the end. */
interface Outcome {
  readonly story: string;
  readonly cause: string;
  readonly confidence: string;
  readonly isAsExpected: boolean;
}

/** Between two stories, for whom does not press Enter. */
const betweenMs = 8000;

/** `fist demo`: plays recorded incidents through the real server; exit 1 where one does not come out as expected. */
export async function demo(terminal: Terminal, flags: DemoFlags): Promise<number> {
  const interrupted = new AbortController();
  const forgetSignals = onStopSignals(
    () => interrupted.abort(),
    (signal) => endProcess(exitCodeOf[signal]),
  );
  const isRead = flags.ci !== true && flags.fast !== true && process.stdin.isTTY && process.stdout.isTTY;
  const pace = isRead ? createPace(process.stdin, interrupted.signal) : noPace;
  const narrator = createNarrator(terminal, pace, isRead);
  if (flags.ci !== true) terminal.out(opening(terminal, isRead));
  const { playDemo } = await import('../app/demo.ts');
  try {
    const asExpected = await playDemo({
      story: flags.story ?? null,
      log: await createLog({ level: 'error' }),
      signal: interrupted.signal,
      tell: async (event) => {
        if (flags.ci === true) terminal.out(`${JSON.stringify({ sample: true, ...event })}\n`);
        else await narrator.tell(event);
        interrupted.signal.throwIfAborted();
      },
      ...(flags.keep === true
        ? {
            beforeEnd: async (app) => {
              const next = `fist get runs --server ${app.url} --token ${app.token}`;
              tell(terminal, `serving at ${app.url} until Ctrl-C\n  next: ${next}`);
              await whenAborted(interrupted.signal);
            },
          }
        : {}),
    });
    if (flags.ci !== true) terminal.out(narrator.ending());
    return asExpected ? 0 : answerIsNo;
  } catch (thrown) {
    if (interrupted.signal.aborted) return 130;
    throw thrown;
  } finally {
    forgetSignals();
    pace.close();
  }
}

function opening(terminal: Terminal, isRead: boolean): string {
  const lines = [
    `fist ${readVersion()} demo: no cluster, no key; nothing leaves this machine.`,
    'SAMPLE DATA: recorded incidents, replayed through the real server.',
    `Ctrl-C ends it and forgets everything.${isRead ? ' Enter shows the rest of a story at once.' : ''}`,
  ];
  return lines.map((line) => `${wrap(line, columnsOf(terminal)).join('\n')}\n`).join('');
}

interface Narrator {
  tell(event: DemoEvent): Promise<void>;
  /** The stories as a table, and what to do next. */
  ending(): string;
}

/** Tells the events at the reader's pace and remembers what came of each story. */
function createNarrator(terminal: Terminal, pace: Pace, isRead: boolean): Narrator {
  const outcomes: Outcome[] = [];
  let found: Pick<Outcome, 'cause' | 'confidence'> = { cause: 'none', confidence: '' };
  return {
    async tell(event) {
      if (event.event === 'story-started' && event.number > 1 && isRead) await nextStory(terminal, pace);
      if (event.event === 'investigated') {
        const { result } = event;
        const by = result.model === null ? '' : `${plain(result.model)}: `;
        found = { cause: by + (causeSentence(result) ?? 'inconclusive'), confidence: percent(result.confidence) };
      }
      if (event.event === 'checked')
        outcomes.push({ story: event.story, ...found, isAsExpected: event.problems.length === 0 });
      const text = eventText(terminal, event);
      terminal.out(text);
      await pace.read(text);
    },
    ending: () => `\n${outcomesTable(terminal, outcomes)}\n${next(terminal)}`,
  };
}

/** Asks for Enter on a line that is gone afterwards. */
async function nextStory(terminal: Terminal, pace: Pace): Promise<void> {
  terminal.out('\n-- Enter: the next story (it comes by itself) --');
  await pace.stop(betweenMs);
  terminal.out('\r\u001b[K');
}

function outcomesTable(terminal: Terminal, outcomes: readonly Outcome[]): string {
  const columns = [
    { heading: 'STORY', text: ({ story }: Outcome) => story },
    { heading: 'CAUSE THAT WAS FOUND', text: ({ cause }: Outcome) => cause, cut: 30 },
    { heading: 'SURE', text: ({ confidence }: Outcome) => confidence },
    { heading: 'EXPECTED', text: ({ isAsExpected }: Outcome) => (isAsExpected ? 'yes' : 'NO') },
  ];
  return table(outcomes, columns, { columns: columnsOf(terminal), colour: terminal.colour });
}

function next(terminal: Terminal): string {
  return `${bold(terminal, 'Now with your own')}
  npm start                     a server to send alerts to
  ${inWordsOf(terminal.called, 'fist investigate pod/NAME -n NAMESPACE --context CONTEXT')}
`;
}
