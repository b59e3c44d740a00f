/** The shortcuts: one letter for a place, j and k within a list. None while something is written or asked. */
import { dialogOpen, showHelp } from './dialogs.ts';
import { applyTheme, keysOn, nextTheme } from './settings.ts';

const places: Readonly<Record<string, string>> = {
  o: '#/overview',
  i: '#/incidents',
  c: '#/charts',
  b: '#/builds',
};

export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || dialogOpen()) return;
    if (event.key === 'Escape') return leave(event);
    const writing =
      event.target instanceof HTMLElement && /^(?:input|select|textarea)$/i.test(event.target.tagName);
    if (writing || (!keysOn() && event.key !== '?')) return;
    if (pressed(event.key)) event.preventDefault();
  });
}

/** From one incident, machine or build back to where it is listed. */
function leave(event: KeyboardEvent): void {
  const back = document.querySelector<HTMLAnchorElement>('.crumbs a');
  if (event.target instanceof HTMLInputElement) event.target.blur();
  else if (back !== null) location.hash = back.hash;
}

function pressed(key: string): boolean {
  const place = places[key];
  if (place !== undefined) {
    location.hash = place;
    return true;
  }
  switch (key) {
    case '?':
      showHelp(keysOn());
      return true;
    case 't':
      nextTheme();
      applyTheme();
      return true;
    case 'j':
    case 'k':
      return walk(key === 'j' ? 1 : -1);
    case '/': {
      const field = document.querySelector<HTMLInputElement>('input[type=search]');
      field?.focus();
      return field !== null;
    }
    default:
      return false;
  }
}

function walk(by: number): boolean {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('[data-walk] > li a:first-of-type')];
  if (links.length === 0) return false;
  const at = links.findIndex((link) => link === document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
  return true;
}
