package io.longshore.source.workload;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the running kernel is known to do. */
final class Kernel {
  private static final Pattern RELEASE = Pattern.compile("(\\d+)\\.(\\d+).*");
  private static final int MAJOR = 6;
  private static final int MINOR = 16;

  private Kernel() {}

  /** Whether SO_PASSCRED and SO_PASSSEC can only be read of unix sockets: since Linux 6.16. */
  static boolean refusesUnixOptions() {
    Matcher release = RELEASE.matcher(System.getProperty("os.version"));
    if (!release.matches()) {
      return false;
    }
    int major = Integer.parseInt(release.group(1));
    int minor = Integer.parseInt(release.group(2));
    return major > MAJOR || (major == MAJOR && minor >= MINOR);
  }
}
