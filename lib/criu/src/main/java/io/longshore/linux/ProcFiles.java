package io.longshore.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Reads small files of {@code /proc}; proc(5). Missing means that the process has ended. */
final class ProcFiles {
  private static final Path PROC = Path.of("/proc");

  private ProcFiles() {}

  static Path of(int pid, String... names) {
    Path path = PROC.resolve(Integer.toString(pid));
    for (String name : names) {
      path = path.resolve(name);
    }
    return path;
  }

  /**
   * The whole text.
   *
   * @throws NoSuchFileException if the process has ended, or what of it the file was about
   */
  static String text(Path file) throws IOException {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw e;
    } catch (IOException e) {
      // A file that was opened before its process ended gives ESRCH, which Java knows only as text.
      if (isNoSuchProcess(e)) {
        NoSuchFileException gone = new NoSuchFileException(file.toString());
        gone.initCause(e);
        throw gone;
      }
      throw e;
    }
  }

  private static boolean isNoSuchProcess(IOException e) {
    String message = e.getMessage();
    return message != null
        && (message.contains("No such process")
            // Of a descriptor that was closed since its file was opened.
            || message.contains("No such file or directory"));
  }

  /** The entries of a directory that are numbers, ascending. */
  static List<Integer> numbers(Path directory) throws IOException {
    List<Integer> numbers = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (Character.isDigit(name.charAt(0))) {
          numbers.add(Integer.valueOf(name));
        }
      }
    } catch (java.nio.file.DirectoryIteratorException e) {
      throw e.getCause();
    }
    Collections.sort(numbers);
    return numbers;
  }
}
