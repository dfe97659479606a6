package io.longshore.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Page sizes; Longshore's wire format and CRIU's images count in pages of 4096 bytes. */
public final class PageSize {
  /** Bytes of a page. */
  public static final int BYTES = 4096;

  /** Bytes of a huge page as the kernel builds them for anonymous memory. */
  public static final int HUGE_BYTES = 2 << 20;

  private PageSize() {}

  /** Bytes of a page on this kernel; getpagesize(2). */
  public static int ofThisKernel() {
    MethodHandle getpagesize =
        Linker.nativeLinker()
            .downcallHandle(
                Linker.nativeLinker().defaultLookup().findOrThrow("getpagesize"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT));
    try {
      return (int) getpagesize.invokeExact();
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }

  /**
   * Call once when an agent starts.
   *
   * @throws IllegalStateException if this kernel's pages are not {@link #BYTES} long, as on an
   *     arm64 kernel built for 16 or 64 KiB pages
   */
  public static void requireSupported() {
    int actual = ofThisKernel();
    if (actual != BYTES) {
      throw new IllegalStateException(
          "this kernel has pages of %d bytes, Longshore needs %d; run a kernel built for 4 KiB pages"
              .formatted(actual, BYTES));
    }
  }
}
