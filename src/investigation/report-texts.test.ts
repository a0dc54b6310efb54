import { describe, expect, test } from 'vitest';
import { alertOf } from '../../test/support/alert-snapshot.ts';
import { oomShop, runIn, textOf } from '../../test/support/shop.ts';

/** Each part comes after the one before it. */
function expectOrder(text: string, parts: readonly string[]): void {
  let position = -1;
  for (const part of parts) {
    const next = text.indexOf(part, position + 1);
    expect(next, part).toBeGreaterThan(position);
    position = next;
  }
}

describe('the reports', () => {
  test('text: the alert, what happened, the cause, what to do, where to look, and the rest on request', async () => {
    const { result } = await runIn(oomShop());
    const text = textOf(result, { width: 80, explain: true, evidence: true });
    expect(textOf(result, { width: 80 })).not.toMatch(/Confidence\n|Evidence\n/);
    expectOrder(text, [
      'FIRING warning KubePodCrashLooping pod/shop/web-h2-abcde for 20m\n',
      'was killed for its memory (OOMKilled)',
      'The cause is (95%): ',
      'What to do\n  1. kubectl -n shop rollout undo deployment/web --to-revision=1\n',
      'Undo: kubectl -n shop rollout undo deployment/web --to-revision=2\n',
      'Silence: amtool silence add',
      'Confidence\n',
      'Findings\n',
      '[e1 e2',
      'Evidence\n',
      'kubectl get pod',
    ]);
    expect(textOf(result, { colour: true })).toContain('\u001b[');
    expect(textOf((await runIn(null)).result)).toContain('\nNo cause was found: no cluster is configured');
  });

  test('of a group: who fired together, and how many nobody looked at, in each form', async () => {
    const others = [alertOf({ namespace: 'shop', deployment: 'web' }, { name: 'KubeDeploymentReplicasMismatch' })];
    const { result } = await runIn(oomShop(), { others, othersInAll: 9_999 });
    const words =
      'It fired together with KubeDeploymentReplicasMismatch deployment/shop/web and 9998 more. 9998 of them were not looked at.';
    expect(textOf(result, { width: 200 })).toContain(words);
    expect(result.report).toContain(words);
    expect(result).toMatchObject({ other_alerts: [expect.stringContaining('Mismatch')], more_alerts: 9998 });
    expect(result.escalation_notes).toContain('and 9999 more alerts that came together with it.');
  });

  test('Markdown: the headings of the contract, what proves it folded', async () => {
    const { result } = await runIn(oomShop());
    const headings = result.report.split('\n').filter((line) => /^##? /.test(line));
    expect(headings).toEqual([
      '# Investigation Summary',
      '## Root Cause',
      '## Recommendations',
      '## Escalation Context',
      '## Key Findings',
      '## Investigation Steps',
      '## Evidence',
    ]);
    expectOrder(result.report, ['## Escalation Context', '<details>\n<summary>', '## Key Findings', '\n</details>\n']);
    expect(result.report).toContain('**Confidence Level**: 95%');
  });
});
