/** The words behind libvirt's numbers; `unknown-N` for a number that this binding does not know. */
import type { DomainStateName } from './index.js';

export function errorCodeName(code: number): string;
export function errorDomainName(domain: number): string;
export function errorLevelName(level: number): string;
export function stateName(state: number): DomainStateName;
export function reasonName(state: number, reason: number): string;
export function lifecycleEventName(event: number): string;
export function lifecycleDetailName(event: number, detail: number): string;
export function watchdogActionName(action: number): string;
export function ioErrorActionName(action: number): string;
export function agentStateName(state: number): string;
export function agentReasonName(reason: number): string;
export function closeReasonName(reason: number): string;
