package io.longshore.cli;

import java.io.BufferedReader;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.Map;

/** What a run of the command left. */
record Run(int status, String out, String err) {
  static Run of(Map<String, String> variables, String... args) {
    return answering("", variables, args);
  }

  /** With this on standard input. */
  static Run answering(String input, Map<String, String> variables, String... args) {
    Map<String, String> all = new HashMap<>(Map.of("LONGSHORE_PLAINTEXT_ON_LOOPBACK", "true"));
    all.putAll(variables);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Longshore.run(
            new Environment(
                all,
                new BufferedReader(new StringReader(input)),
                new PrintWriter(out, true),
                new PrintWriter(err, true)),
            args);
    return new Run(status, out.toString(), err.toString());
  }
}
