package io.longshore.criu.image;

/** The numbered figures of either kind of statistics. */
final class StatsFigures {

  private StatsFigures() {}

  /**
   * Figures by field number, 0 where one is missing. Fields that newer versions add are passed
   * over.
   */
  static long[] read(ImageReader reader, int part, int figures) throws ImageFormatException {
    RecordFields entry = reader.onlyFields();
    while (entry.next()) {
      if (entry.number() == part) {
        return figures(entry.message(), figures);
      }
      entry.skip();
    }
    throw entry.missing(part == 1 ? "dump figures" : "restore figures");
  }

  private static long[] figures(RecordFields fields, int count) throws ImageFormatException {
    long[] figures = new long[count + 1];
    while (fields.next()) {
      if (fields.number() <= count) {
        figures[fields.number()] = fields.uint64();
      } else {
        fields.skip();
      }
    }
    return figures;
  }
}
