/** The names of signers of certificates. Source: Kubernetes documentation "Certificates and Certificate Signing Requests". */
import type { FieldError } from '#apimachinery/field-error.ts';
import { invalidValue, required, tooLong } from '#apimachinery/field-error.ts';
import { byteLength, dns1123Label, dns1123Subdomain } from '#apimachinery/names.ts';

const longestDomain = 253;
/** A domain, a slash, and `namespace.name` of a resource. */
const longestName = longestDomain + 1 + 63 + 1 + 253;

export function* validateSignerName(name: string, path: string): Iterable<FieldError> {
  if (name === '') return yield required(path);
  const [domain = '', resource = '', ...rest] = name.split('/');
  if (!name.includes('/') || rest.length > 0) return yield invalidValue(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  if (byteLength(domain) > longestDomain) yield tooLong(path, longestDomain);
  const labels = domain.split('.');
  yield* validateParts(labels, dns1123Label, domain, path);
  if (labels.length < 2) yield invalidValue(path, domain, 'should be a domain with at least two segments separated by dots');
  yield* validateParts(resource.split('.'), dns1123Subdomain, resource, path);
  if (byteLength(name) > longestName) yield tooLong(path, longestName);
}

/** Only what is wrong with the first bad part: of the others the same would be said. */
function* validateParts(parts: readonly string[], check: (part: string) => readonly string[], whole: string, path: string): Iterable<FieldError> {
  for (const part of parts) {
    const wrong = check(part);
    for (const message of wrong) yield invalidValue(path, whole, `validating label ${JSON.stringify(part)}: ${message}`);
    if (wrong.length > 0) return;
  }
}
