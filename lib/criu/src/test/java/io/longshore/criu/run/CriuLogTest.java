package io.longshore.criu.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CriuLogTest {

  @TempDir Path folder;

  @Test
  void errorsAreFoundWithTheWarningsBeforeThem() throws Exception {
    Path log =
        write(
            """
            (00.000000) Version: 4.2.1 (gitid 0)
            (00.043881) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
            (00.050000) Warn  (criu/kerndat.c:1285): first
            (00.050001) Dumping files of Error, no error
            (00.051000)  1234: Error (criu/files.c:1): Can't dump file
            (00.052000) pie: 77: Error (criu/pie/restorer.c:2): no memory
            (00.053000) Warn  (criu/x.c:3): about nothing that failed
            """);
    assertThat(CriuLog.tellingLines(log))
        .containsExactly(
            "(00.050000) Warn  (criu/kerndat.c:1285): first",
            "(00.051000)  1234: Error (criu/files.c:1): Can't dump file",
            "(00.052000) pie: 77: Error (criu/pie/restorer.c:2): no memory");
  }

  @Test
  void linesAreBoundedInNumberAndLength() throws Exception {
    String line = "(00.1) Error (criu/x.c:1): " + "x".repeat(10_000) + "\n";
    Path log = write(IntStream.range(0, 1000).mapToObj(i -> line).collect(Collectors.joining()));
    assertThat(CriuLog.tellingLines(log))
        .hasSize(CriuLog.MAX_LINES)
        .allMatch(found -> found.length() <= 403 && found.endsWith("..."));
  }

  @Test
  void bytesThatAreNoTextDoNotMatter() throws Exception {
    Path log = folder.resolve("log");
    Files.write(log, new byte[] {(byte) 0xff, (byte) 0xfe, '\n'});
    Files.writeString(log, "Error (criu/x.c:1): after it\n", StandardOpenOption.APPEND);
    assertThat(CriuLog.tellingLines(log)).containsExactly("Error (criu/x.c:1): after it");
  }

  @Test
  void withoutALogThereAreNoLines() {
    assertThat(CriuLog.tellingLines(folder.resolve("none"))).isEmpty();
  }

  private Path write(String text) throws Exception {
    return Files.writeString(folder.resolve("log"), text);
  }
}
