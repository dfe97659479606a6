package io.longshore.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.Map;

/** What a run of the command left. */
record Run(int status, String out, String err) {
  static Run of(Map<String, String> variables, String... args) {
    Map<String, String> all = new HashMap<>(Map.of("LONGSHORE_PLAINTEXT_ON_LOOPBACK", "true"));
    all.putAll(variables);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Longshore.run(
            new Environment(all, new PrintWriter(out, true), new PrintWriter(err, true)), args);
    return new Run(status, out.toString(), err.toString());
  }
}
