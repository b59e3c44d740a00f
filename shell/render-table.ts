/**
 * A table with aligned columns. Pure. Cells are plain text without escape codes; `paint` colours a cell after
 * it has been measured.
 */
import { printable } from './printable.ts';

export type Table = {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Colours the cell of a row; the text comes padded. */
  readonly paint?: (text: string, row: number, column: number) => string;
};

const gap = '  ';

/**
 * The lines of the table. Where it is wider than `columns`, each row's last cell moves to a line of its own
 * below, indented, so that nothing is cut. Null: as wide as it likes.
 */
export function renderTable(table: Table, columns: number | null): readonly string[] {
  const all = [table.header, ...table.rows].map((row) => row.map(printable));
  const widths = table.header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const last = table.header.length - 1;
  const total = widths.reduce((sum, width) => sum + width, 0) + gap.length * last;
  const folded = columns !== null && total > columns && last > 0;
  const inLine = folded ? last : last + 1;
  return all.flatMap((row, index) => {
    const cells = row.slice(0, inLine).map((cell, column) => {
      const padded = cell.padEnd(widths[column] ?? 0);
      return index === 0 ? padded : (table.paint?.(padded, index - 1, column) ?? padded);
    });
    const line = cells.join(gap).trimEnd();
    const overflow = row[last] ?? '';
    return folded && overflow !== '' && index > 0 ? [line, `    ${overflow}`] : [line];
  });
}
