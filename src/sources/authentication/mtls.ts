import { z } from 'zod';
import type { CallerCertificate } from '../../core/authentication.ts';
import { rule } from '../../lib/rule.ts';
import { defineAuthentication } from './define.ts';

const list = z.array(z.string().min(1).max(1024)).min(1).max(100);

/** The certificate of the TLS handshake, issued by an authority of `--tls-client-ca`. */
export const mtls = defineAuthentication({
  type: 'mtls',
  description: 'A client certificate, by an authority of `fist serve --tls-client-ca`.',
  config: z
    .strictObject({
      subjects: list.optional().meta({
        description: 'mtls: subjects that are let in: a common name, or all of it as CN=alertmanager,O=ops.',
      }),
      names: list.optional().meta({
        description: 'mtls: alternative names that are let in: of a host, a URI (spiffe://...), an address.',
      }),
    })
    .check(
      rule(
        'has(self.subjects) || has(self.names)',
        'needs subjects or names',
        ({ subjects, names }) => subjects !== undefined || names !== undefined,
      ),
    ),
  compile: ({ subjects = [], names = [] }) => ({
    secrets: [],
    needsCertificate: true,
    check({ certificate }) {
      const shown = certificate();
      if (shown !== null && isListed(shown, subjects, names)) return null;
      return {
        message:
          shown === null
            ? 'a client certificate of an authority of this server is required'
            : 'the client certificate is not of a sender of this Source',
        next: 'set http_config.tls_config.cert_file and key_file of the sender; the Source names subjects and names',
        challenge: 'Mutual realm="punching-fist"',
      };
    },
  }),
});

function isListed(shown: CallerCertificate, subjects: readonly string[], names: readonly string[]): boolean {
  const isSubject =
    subjects.includes(shown.subject) || (shown.commonName !== null && subjects.includes(shown.commonName));
  return isSubject || shown.names.some((name) => names.includes(name));
}
