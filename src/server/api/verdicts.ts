import { z } from 'zod';
import { standingVerdicts, verdictWords } from '../../core/verdict.ts';
import type { VerdictRecord } from '../../core/verdict.ts';
import { defineRoute } from '../define-route.ts';
import type { RouteContext } from '../define-route.ts';
import { callerName } from '../rights.ts';
import { count, lazily, text, time } from './fields.ts';
import { idOf } from './references.ts';

/** Characters of what a person says. */
const longestWords = 1000;

const words = (description: string) => z.string().trim().min(1).max(longestWords).describe(description);

const judged = lazily(() =>
  z
    .strictObject({
      object: text('What the alert was about.').nullable(),
      cause: z
        .strictObject({
          category: text('A name of findings.md, or `model`.'),
          object: text('What it said was at fault.'),
          confidence: z.number().describe('0 to 1.'),
        })
        .nullable()
        .describe('null: it stated none.'),
      at: time('When the run ended.'),
    })
    .describe('The report as it was then.'),
);

/** What a person said of a run. */
export const verdictView = lazily(() =>
  z
    .strictObject({
      runId: text('Id of the run.'),
      sequence: count('From 1 within the run; the newest holds.'),
      verdict: z
        .enum(verdictWords)
        .describe('Of the cause in the report; `withdrawn`: what was said before is taken back.'),
      cause: text('What it was, in the words of whoever said it; redacted.').nullable(),
      note: text('What else they said; redacted.').nullable(),
      by: text('Who said it.').nullable(),
      judged: judged(),
      at: time('When.'),
    })
    .meta({ id: 'Verdict', description: 'What a person said of the cause that the report of a run states.' }),
);

/** What the API shows of it: what it is found by is the run's. */
export function viewOfVerdict({
  namespace: _namespace,
  alertName: _alertName,
  fingerprint: _fingerprint,
  objectNamespace: _objectNamespace,
  ...view
}: VerdictRecord) {
  return view;
}

type StandingWord = 'confirmed' | 'refuted';

/** What is said of each run now, by its id; absent: nothing. */
function wordsOf(records: readonly VerdictRecord[]): ReadonlyMap<string, StandingWord> {
  return new Map(
    [...standingVerdicts(records)].flatMap(([id, { verdict }]) =>
      verdict === 'withdrawn' ? [] : [[id, verdict] as const],
    ),
  );
}

/** What is said now of the run that these are of; null: nothing. */
export function standingWord(records: readonly VerdictRecord[]): StandingWord | null {
  return [...wordsOf(records).values()][0] ?? null;
}

/** The same of several runs. */
export async function standingWords(
  { learned }: Pick<RouteContext['reader'], 'learned'>,
  runIds: readonly string[],
): Promise<ReadonlyMap<string, StandingWord>> {
  return wordsOf(await learned.verdictsOf(runIds));
}

export const judgeRun = defineRoute({
  name: 'judgeRun',
  method: 'POST',
  path: '/api/v1/runs/:id/verdicts',
  access: 'token',
  summary: 'Says whether the cause in the report of a run was right.',
  description:
    'The newest verdict holds, earlier ones stay in `verdicts` of the run. Later runs for such alerts are told of it, as a hypothesis. `confirmed` of a report without a cause needs `cause`.',
  body: z.strictObject({
    verdict: z.enum(verdictWords).describe('`withdrawn` takes back what was said before.'),
    cause: words('What it was.').optional(),
    note: words('What else is worth knowing.').optional(),
    by: words('Who says it, for people.').max(200).optional(),
  }),
  status: 201,
  errors: ['NotFound', 'Conflict'],
  example: { body: { verdict: 'refuted', cause: 'the certificate of the proxy had expired', by: 'ada' } },
  answer: verdictView,
  async handler({ control, reader }, { params, body: { verdict, cause = null, note = null, by = null } }, { request }) {
    const runId = await idOf(reader, 'run', params.id);
    return viewOfVerdict(await control.judge({ runId, verdict, cause, note, by: callerName(request, by) }));
  },
});
