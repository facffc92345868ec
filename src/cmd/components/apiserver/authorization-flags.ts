/** Who may do what. */
import { Option } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { FlagGroup } from '../flags.ts';
import { alreadySo, durationOption, listOption, textOption } from '../flags.ts';

export interface AuthorizationFlags {
  readonly authorizationMode?: readonly string[];
  readonly authorizationConfig?: string;
  readonly authorizationPolicyFile?: string;
  readonly authorizationWebhookConfigFile?: string;
  readonly authorizationWebhookVersion: string;
  readonly authorizationWebhookCacheAuthorizedTtl?: number;
  readonly authorizationWebhookCacheUnauthorizedTtl?: number;
}

export const authorizationFlags: FlagGroup = {
  title: 'Authorization:',
  options: [
    listOption('--authorization-mode <modes>', 'Node, RBAC, Webhook, ABAC, AlwaysAllow, AlwaysDeny, asked in this order (default: Node,RBAC; the original\'s is AlwaysAllow)'),
    textOption('--authorization-config <file>', 'the same and more in a file: an AuthorizationConfiguration'),
    textOption('--authorization-policy-file <file>', 'rules of ABAC, a line of JSON each'),
    textOption('--authorization-webhook-config-file <file>', 'a kubeconfig of the service that is asked in mode Webhook'),
    new Option('--authorization-webhook-version <version>', 'version of SubjectAccessReview: v1 or v1beta1').argParser(reviewVersion).default('v1beta1'),
    durationOption('--authorization-webhook-cache-authorized-ttl <duration>', 'how long it is remembered that something is allowed (default: 5m)'),
    durationOption('--authorization-webhook-cache-unauthorized-ttl <duration>', 'how long it is remembered that something is not (default: 30s)'),
    alreadySo('--authorization-always-allow-paths <paths>', 'health is told to everybody'),
  ],
};

function reviewVersion(text: string): string {
  if (text !== 'v1' && text !== 'v1beta1') throw new InvalidArgumentError('It is v1 or v1beta1.');
  return text;
}
