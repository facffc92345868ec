import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { parse } from 'yaml';
import { Pod } from '#api/core/pod.ts';
import { decodeDraft } from '#apimachinery/decode.ts';
import { describeViolations, judge } from './standard.ts';

const reference = new URL('../../../../../shared/spec/pod-security/', import.meta.url);
const skip = existsSync(reference) ? false : 'the reference data ../shared/spec is not here';

for (const level of ['baseline', 'restricted'] as const) {
  for (const version of ['v1.0', 'v1.25', 'v1.35']) {
    for (const verdict of ['pass', 'fail']) {
      test(`${level} ${version}: pods that must ${verdict}`, { skip }, () => {
        const directory = new URL(`${level}/${version}/${verdict}/`, reference);
        for (const file of readdirSync(directory)) {
          const pod = decodeDraft(Pod, parse(readFileSync(new URL(file, directory), 'utf8')), { defaults: true });
          const violations = judge({ annotations: pod.metadata.annotations ?? {}, spec: pod.spec }, level, Number(version.slice(3)));
          assert.equal(violations.length > 0, verdict === 'fail', `${file}: ${describeViolations(violations)}`);
        }
      });
    }
  }
}

test('violations are described as the original does', () => {
  const { spec } = decodeDraft(Pod, { spec: { containers: [{ name: 'a', image: 'i' }, { name: 'b', image: 'i', securityContext: { privileged: true } }] } });
  assert.equal(describeViolations(judge({ annotations: {}, spec }, 'baseline', Infinity)), 'privileged (container "b" must not set securityContext.privileged=true)');
  assert.equal(
    describeViolations(judge({ annotations: {}, spec: { ...spec, containers: spec.containers.slice(0, 1) } }, 'restricted', Infinity)),
    'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), ' +
    'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  );
});
