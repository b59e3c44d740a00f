/** What the reader chose for this browser: the theme, and whether shortcuts of one letter are on. */

const themes = ['auto', 'dark', 'light'] as const;
export type Theme = (typeof themes)[number];

export function theme(): Theme {
  const kept = read('theme');
  return themes.find((one) => one === kept) ?? 'auto';
}

export function nextTheme(): Theme {
  const next = themes[(themes.indexOf(theme()) + 1) % themes.length] ?? 'auto';
  write('theme', next);
  return next;
}

/** Brings the document to the theme; `auto` leaves it to the system. */
export function applyTheme(): void {
  const now = theme();
  if (now === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = now;
  const button = document.querySelector('#theme');
  if (button !== null) button.textContent = `Theme: ${now}`;
}

export function keysOn(): boolean {
  return read('keys') !== 'off';
}
export function toggleKeys(): void {
  write('keys', keysOn() ? 'off' : 'on');
}

/** A browser may keep nothing for us; then a choice lasts as long as the page. */
const here = new Map<string, string>();

function read(name: string): string | null {
  try {
    return localStorage.getItem(`pcloud.${name}`) ?? here.get(name) ?? null;
  } catch (error) {
    if (error instanceof DOMException) return here.get(name) ?? null;
    throw error;
  }
}

function write(name: string, value: string): void {
  here.set(name, value);
  try {
    localStorage.setItem(`pcloud.${name}`, value);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}
