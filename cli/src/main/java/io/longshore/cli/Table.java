package io.longshore.cli;

import java.util.ArrayList;
import java.util.List;

/** Rows whose columns are aligned. */
final class Table {
  private static final String GAP = "  ";

  private final List<List<String>> rows = new ArrayList<>();
  private final String indent;

  /** Indented with this. */
  Table(String indent) {
    this.indent = indent;
  }

  /** Adds a row. All rows have the same number of cells. */
  Table row(String... cells) {
    rows.add(List.of(cells));
    return this;
  }

  /** The rows, each ending in a newline, without trailing blanks. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder(indent);
      for (int column = 0; column < row.size(); column++) {
        String cell = row.get(column);
        line.append(cell).repeat(' ', widthOf(column) - cell.length()).append(GAP);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private int widthOf(int column) {
    return rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
  }
}
