import { z } from 'zod';
import { secretRef } from '../lib/secret-reference.ts';
import { defineSink } from './define.ts';
import { endpoint, template } from './fields.ts';

export const jira = defineSink({
  type: 'jira',
  description: 'An issue in Jira.',
  example: {
    endpoint: 'https://example.atlassian.net',
    project: 'OPS',
    issueType: 'Incident',
    credentialsSecret: 'jira-credentials',
  },
  config: z.object({
    endpoint: endpoint.optional(),
    project: z.string().min(1).max(255).meta({ description: 'Key of the project.' }),
    issueType: z.string().max(255).optional().meta({ description: 'Name of the issue type.' }),
    credentialsSecret: secretRef.optional().meta({ description: 'Secret with the credentials: name, or name/key.' }),
    template: template.optional(),
  }),
});
