import { timeText, toEpochMs } from '../../core/time.ts';
import { look, podQuestions } from '../advice.ts';
import { defineAnalyzer } from '../define.ts';
import type { AnalyzerIo, FindingDraft, Pointer, Target } from '../define.ts';
import { commandLineOf } from '../reading/command-line.ts';
import { between, textAt } from '../reading/fields.ts';
import { serviceOfHost } from '../reading/hosts.ts';
import { containersOf, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';
import { quote } from '../reading/quote.ts';
import { deletionOf } from './pod-end.ts';
import { behind } from './behind.ts';
import { logOfRun } from './run-log.ts';

type Draft = FindingDraft<'init-waits'>;

/** Shorter work of an init container is ordinary. */
const longMs = 5 * 60_000;

/** Init containers that run on, most often because they wait for something: the containers after them do not start. */
export const podInit = defineAnalyzer({
  name: 'pod-init',
  kinds: ['pod'],
  explains: [],
  categories: {
    'init-waits': {
      meaning: 'An init container runs on for long, and the containers after it wait.',
      happened: 'did not get past its init containers',
      nearness: 62,
      answers: podQuestions,
      changes: /^(?:image|command|environment|environment sources|container)$/,
      advice: (_, { namespace, pod, container }) => [
        look(`kubectl -n ${namespace} logs ${pod} -c ${container}`, 'Shows what the init container does or waits for.'),
      ],
    },
  },
  async run(io, target) {
    if (textAt(target.object, 'status', 'phase') !== 'Pending' || deletionOf(target.object) !== null) return [];
    const waiting = containersOf(target.object).find(
      ({ init, running, runningSince, spec }) =>
        init &&
        running &&
        textAt(spec, 'restartPolicy') !== 'Always' &&
        runningSince !== null &&
        toEpochMs(io.now) - toEpochMs(runningSince) >= longMs,
    );
    return waiting === undefined ? [] : [await finding(io, target, waiting)];
  },
});

async function finding(io: AnalyzerIo, target: Target, container: ContainerView): Promise<Draft> {
  const log = await logOfRun(io, target, container, false);
  const last = log.telling?.text ?? log.last;
  const { pointers: told, note } = await behind(io, target, container, log.telling);
  const pointers = told.length > 0 ? told : await awaited(io, target, container, last);
  const names = pointers.map(({ name }) => name).join(', ');
  const waited = between(container.runningSince, io.now) ?? 'long';
  const said = last === '' ? '' : ` Its log ends with: "${quote(last, 300)}".`;
  const what = names === '' ? '' : ` It names Service ${names}.`;
  const text = `Init container ${container.name} of pod ${target.name} has been running for ${waited} (since ${timeText(container.runningSince)}) and does not end, so the containers after it do not start.${said}${what}${note}`;
  return {
    category: 'init-waits',
    severity: 'high',
    object: `pod/${target.namespace}/${target.name}`,
    description: text,
    cause: text,
    decisive: false,
    when: { from: container.runningSince, until: null, source: `status of ${container.label}` },
    facts: { ...podFacts(target.object), container: container.name, ...(last === '' ? {} : { log_line: last }) },
    evidence: [podEvidence(target), ...log.evidence],
    pointers,
  };
}

/** The Services that its last line or its command names: `until nc -z postgres 5432`. */
async function awaited(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  line: string,
): Promise<readonly Pointer[]> {
  const result = await io.list('services', target.namespace);
  if (result.kind !== 'ok') return [];
  const command = commandLineOf(container.spec);
  const words = [line, ...`${line} ${command.join(' ')}`.slice(0, 4000).split(/[\s"'`,;()]+/)];
  const named = words.flatMap((word) => serviceOfHost(word, target.namespace ?? '', result.value) ?? []);
  return [...new Set(named)].slice(0, 3).map(({ metadata }) => ({
    kind: 'service',
    namespace: metadata.namespace ?? null,
    name: metadata.name,
  }));
}
